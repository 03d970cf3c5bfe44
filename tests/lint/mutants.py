"""tests/mutants/*.patch: each applies to the tree as it is, says what it plants, and names a test that CMake registers.

A plant that no longer applies is noticed here, at once, and not in the night.
"""
import os
import re
import subprocess
import common

FOLDER = "tests/mutants"
HEAD = re.compile(r"\APlanted fault: \S.*\n(?:.*\n)*?Turns red: (\S+)\n")
TEST = re.compile(r"\bab_(?:register_)?test\(NAME (\w+)")
LOOP = re.compile(r"\bforeach\(\w+ ([^)]*)\)")  # names that a foreach gives to ab_test


def tests_of(root):
    found = set()
    for path in common.files(root, "CMakeLists.txt", under=("tests",)):
        text = common.read(root, path)
        found.update(TEST.findall(text))
        found.update(word for names in LOOP.findall(text) for word in names.split())
    return found


def check(root):
    complaints, tests = [], tests_of(root)
    for path in common.files(root, ".patch", under=(FOLDER,)):
        head = HEAD.match(common.read(root, path))
        if head is None:
            complaints.append(f"{path}: opens with neither 'Planted fault: ...' nor 'Turns red: TEST'")
        elif head[1] not in tests:
            complaints.append(f"{path}: no test is called {head[1]}")
        applied = subprocess.run(["git", "-c", "safe.directory=*", "apply", "--check", os.path.abspath(os.path.join(root, path))],
                                 cwd=root, capture_output=True, text=True, check=False)
        if applied.returncode != 0:
            complaints.append(f"{path}: does not apply: {applied.stderr.strip().splitlines()[0]}")
    return complaints


PATCH = """Planted fault: two for one.
Turns red: test_one

--- a/allocator/one.c
+++ b/allocator/one.c
@@ -1,3 +1,3 @@
 int zero;
-int one = 1;
+int one = 2;
 int two;
"""
CLEAN = {
    "allocator/one.c": "int zero;\nint one = 1;\nint two;\n",
    "tests/allocator/CMakeLists.txt": "ab_test(NAME test_one SOURCES one.c)\n",
    f"{FOLDER}/one.patch": PATCH,
}
PLANTED = [
    ({"allocator/one.c": "int zero;\nint one = 3;\nint two;\n"}, "does not apply"),
    ({"tests/allocator/CMakeLists.txt": "ab_test(NAME test_two SOURCES one.c)\n"}, "no test is called test_one"),
    ({f"{FOLDER}/one.patch": PATCH.replace("Turns", "Makes")}, "opens with neither"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
