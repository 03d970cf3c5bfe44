/* thrash - writes all over 64 MiB until it is killed or its time is over: the noisy neighbour of the gate's tests.
 * usage: thrash PU SECONDS. Dies with whoever started it. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum { BYTES = 64 * 1024 * 1024, LINE_BYTES = 64 };

int main(int argc, char **argv)
{
    time_t end = time(NULL) + (argc > 2 ? atol(argv[2]) : 60);
    volatile unsigned char *memory = malloc(BYTES);
    uint64_t at = 1;
    cpu_set_t set;

    if (argc != 3 || memory == NULL) {
        fprintf(stderr, "usage: thrash PU SECONDS\n");
        return 5;
    }
    CPU_ZERO(&set);
    CPU_SET((size_t)atol(argv[1]), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        perror("thrash");
    while (time(NULL) < end) {
        for (int i = 0; i < 1000 * 1000; i++) {
            at = at * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            memory[(at >> 20) % (BYTES / LINE_BYTES) * LINE_BYTES]++;
        }
    }
    return 0;
}
