/* fake_tree.h - a made-up /proc and /sys for one test, below a temporary folder.
 *
 * Why: the attestation must be right on machines that these tests do not run on. */
#ifndef TESTS_MEASURE_FAKE_TREE_H
#define TESTS_MEASURE_FAKE_TREE_H

/* Makes an empty tree; the name is valid until fake_tree_remove. */
const char *fake_tree_make(void);

/* Writes one file of the tree, folders included. */
void fake_tree_write(const char *path, const char *text);

/* Removes one file of the tree. */
void fake_tree_drop(const char *path);

void fake_tree_remove(void);

#endif
