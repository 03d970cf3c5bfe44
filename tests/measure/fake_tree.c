/* fake_tree.c - files below a temporary folder. What it is for: fake_tree.h. */
#define _GNU_SOURCE
#include "fake_tree.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hx_file.h"

static char root[64];

const char *fake_tree_make(void) {
    snprintf(root, sizeof root, "/tmp/hx_tree_XXXXXX");
    assert_non_null(mkdtemp(root));
    return root;
}

void fake_tree_write(const char *path, const char *text) {
    char full[512];
    assert_true(hx_path_join(full, sizeof full, root, path));
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(full, "w"); /* no sync: these files live for a moment */
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void fake_tree_drop(const char *path) {
    char full[512];
    assert_true(hx_path_join(full, sizeof full, root, path));
    assert_int_equal(unlink(full), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void fake_tree_remove(void) {
    assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
