/* report_gnuplot.c - one gnuplot process a figure. See report_figures.h.
 *
 * Why the files are checked afterwards: gnuplot can end with 0 and an empty picture. It writes to NAME.svg.part and NAME.png.part
 * in the plots folder; both are renamed only when both are there, so an old or half picture never stands for this run. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hx_file.h"
#include "report/report_figures.h"

/* The folder of the scripts: beside the sources this program was built from, or where ARENABENCH_PLOTS says. */
static const char *scripts_dir(void) {
    const char *dir = getenv("ARENABENCH_PLOTS");
    return dir != NULL && dir[0] != '\0' ? dir : HX_PLOTS_DIR;
}

/* Starts `gnuplot -c SCRIPT NAME` in plots_dir with its messages in NAME.log. Returns the status of waitpid, or -errno. */
static int run(const char *plots_dir, const char *script_path, const char *name) {
    char *log = hx_print("%s/%s.log", plots_dir, name);
    char *library = hx_print("GNUPLOT_LIB=%s", scripts_dir());
    char *path = hx_print("PATH=%s", getenv("PATH") != NULL ? getenv("PATH") : "/usr/local/bin:/usr/bin:/bin");
    char utf8[] = "LC_ALL=C.UTF-8", program[] = "gnuplot", option[] = "-c";
    char *script = hx_print("%s", script_path), *figure = hx_print("%s", name);
    char *argv[] = {program, option, script, figure, NULL};
    char *envp[] = {utf8, library, path, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status, error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_addchdir_np(&actions, plots_dir);
    }
    if (error == 0) {
        error = posix_spawnp(&pid, program, &actions, NULL, argv, envp);
    }
    posix_spawn_file_actions_destroy(&actions);
    while (error == 0 && waitpid(pid, &status, 0) < 0) {
        error = errno == EINTR ? 0 : errno;
    }
    free(log);
    free(library);
    free(path);
    free(script);
    free(figure);
    return error == 0 ? status : -error;
}

static bool is_whole(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 0;
}

/* The last line that gnuplot wrote, which names the fault. */
static char *complaint(const char *plots_dir, const char *name) {
    char *path = hx_print("%s/%s.log", plots_dir, name);
    static char text[16384];
    long bytes = hx_file_read(path, text, sizeof text);
    free(path);
    while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == ' ')) {
        text[--bytes] = '\0';
    }
    if (bytes <= 0) {
        return hx_print("gnuplot left no picture and no message");
    }
    const char *line = strrchr(text, '\n');
    return hx_print("gnuplot: %s", line != NULL ? line + 1 : text);
}

char *hx_figure_gnuplot(const char *plots_dir, const char *script, const char *name) {
    char *script_path = hx_print("%s/%s", scripts_dir(), script);
    if (!is_whole(script_path)) {
        return hx_print("%s is missing", script_path);
    }
    int status = run(plots_dir, script_path, name);
    free(script_path);
    if (status == -ENOENT) {
        return hx_print("gnuplot is not installed (package gnuplot-nox)");
    }
    if (status < 0) {
        return hx_print("gnuplot could not be started: %s", strerror(-status));
    }
    char *part[2] = {hx_print("%s/%s.svg.part", plots_dir, name), hx_print("%s/%s.png.part", plots_dir, name)};
    char *whole[2] = {hx_print("%s/%s.svg", plots_dir, name), hx_print("%s/%s.png", plots_dir, name)};
    char *log = hx_print("%s/%s.log", plots_dir, name);
    char *problem = NULL;
    if (status != 0 || !is_whole(part[0]) || !is_whole(part[1])) {
        problem = complaint(plots_dir, name);
    } else if (rename(part[0], whole[0]) != 0 || rename(part[1], whole[1]) != 0) {
        problem = hx_print("%s: %s", whole[0], strerror(errno));
    } else {
        unlink(log);
    }
    for (size_t i = 0; i < 2; i++) {
        unlink(part[i]);
        free(part[i]);
        free(whole[i]);
    }
    free(log);
    return problem;
}
