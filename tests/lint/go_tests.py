"""tests/allocator/go_tests.list: every test of Go's arenas is here under its name, and so is what Go has none of.

A line is a name, or "name = test" when the test is called otherwise, or "name = none: reason" (one such line, no more). A test is a
case of cmocka (a slash of Go's name may be an underscore) or a test that CMake registers.
"""
import os
import re
import common

LIST = "tests/allocator/go_tests.list"
CASE = re.compile(r'\bcmocka_unit_test(?:_setup_teardown)?\(\s*(\w+)|(?:\bCASE\(|^\s*\{)"([^"]+)",', re.M)
REGISTERED = re.compile(r"\bab_(?:register_)?test\(NAME (\w+)")
ABSENT_MAX = 1


def tests_of(root):
    found = set()
    for path in common.files(root, under=("tests",)):
        if path.endswith(".c"):
            found.update(a or b for a, b in CASE.findall(common.read(root, path)))
        elif os.path.basename(path) == "CMakeLists.txt":
            found.update(REGISTERED.findall(common.read(root, path)))
    return found


def check(root):
    if not os.path.exists(os.path.join(root, LIST)):
        return [f"{LIST} is missing"]
    found, complaints, absent, seen = tests_of(root), [], 0, set()
    for number, line in enumerate(common.read(root, LIST).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, place = (part.strip() for part in line.partition(" = "))
        if name in seen:
            complaints.append(f"{LIST}:{number}: {name} is there twice")
        seen.add(name)
        if place.startswith("none:"):
            absent += 1
            if not place[5:].strip():
                complaints.append(f"{LIST}:{number}: {name} is absent without a reason")
        elif not {place} & found if place else not {name, name.replace("/", "_")} & found:
            complaints.append(f"{LIST}:{number}: no test is called {place or name}")
    if not seen:
        complaints.append(f"{LIST} names nothing")
    if absent > ABSENT_MAX:
        complaints.append(f"{LIST}: {absent} tests are absent, {ABSENT_MAX} may be")
    return complaints


CLEAN = {
    LIST: "# words\nTestA/b\nTestC\nthis and that = test_d\nTestE = none: it has no meaning here\nTestF\n",
    "tests/x/test_x.c": 'cmocka_unit_test(TestA_b), CASE("TestC", fn, NULL), cmocka_unit_test(test_d)\n',
    "tests/x/CMakeLists.txt": "ab_register_test(NAME TestF COMMAND x)\n",
}
PLANTED = [
    ({LIST: "TestMissing\n"}, "no test is called TestMissing"),
    ({LIST: "a case = test_missing\n"}, "no test is called test_missing"),
    ({LIST: "TestC\nTestC\n"}, "is there twice"),
    ({LIST: "TestC\nA = none: x\nB = none: y\n"}, "2 tests are absent"),
    ({LIST: "A = none:\n"}, "without a reason"),
    ({LIST: "# nothing\n"}, "names nothing"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
