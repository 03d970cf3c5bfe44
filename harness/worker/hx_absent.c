/* hx_absent.c - stands for a worker whose library was not there when this was built.
 *
 * Why: a backend that is left out silently looks as if it had been forgotten. This program lists it as absent with the package to
 * install, so that its cells become null rows with that reason, and refuses everything else. */
#include <stdio.h>
#include <string.h>

#include "worker/hx_ask.h"

int main(int argc, char **argv) {
    hx_program_set(HX_ABSENT_WORKER);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        printf("{\"protocol\":%d,\"worker\":\"%s\",\"version\":\"%s\",\"backends\":[{\"name\":\"%s\",\"arms\":[],\"absent\":[{\"arm\":\"%s\","
               "\"reason\":\"%s\"}]}],\"scenarios\":[]}\n",
               HX_PROTOCOL_VERSION, HX_ABSENT_WORKER, HX_VERSION, HX_ABSENT_BACKEND, HX_ABSENT_ARM, HX_ABSENT_REASON);
        return fflush(stdout) == 0 ? HX_EXIT_OK : HX_EXIT_ERROR;
    }
    hx_die("backend \"%s\" is absent: %s", HX_ABSENT_BACKEND, HX_ABSENT_REASON);
}
