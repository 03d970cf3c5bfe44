"""Small files and functions (docs/STYLE.md 11): .c 500 lines, .h 200 (ua.h 400), .cc 120, a function 70.

tests/lint/long.txt holds the exceptions as a ratchet, "lines path[:function]": what is listed may shrink, never grow, and an
entry that is no longer needed is deleted.
"""
import os
import re
import common

FUNCTION_LINES = 70
FILE_LINES = {".c": 500, ".h": 200, ".cc": 120}
OWN_LIMIT = {"ua.h": 400}
RATCHET = "tests/lint/long.txt"


def name_in(head):
    names = re.findall(r"([A-Za-z_]\w*)\s*\(", head)
    return names[0] if names else None


def functions(text):
    """(name, first line, number of lines) of every function: its brace stands alone in column 0, or ends the head's last line."""
    found, start, head = [], None, ""
    lines = common.code_of(text).split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("{") and start is None:
            start, name = number, name_in(head)
        elif line.startswith("}") and start is not None:
            if name:
                found.append((name, start, number - start - 1))
            start, head = None, ""
        elif start is None:
            if re.match(r"[A-Za-z_]", line):
                head = line
            elif line.strip() == "" or line.startswith(("#", "}")):
                head = ""
            if head and re.search(r"\)\s*\{$", line):
                start, name = number, name_in(head)
    return found


def ratchet(root):
    path = os.path.join(root, RATCHET)
    if not os.path.exists(path):
        return {}
    rows = [line.split() for line in common.read(root, RATCHET).splitlines() if line.strip() and not line.startswith("#")]
    return {row[1]: int(row[0]) for row in rows}


def check(root):
    allowed, complaints, needed = ratchet(root), [], set()

    def judge(key, where, lines, limit, what):
        if lines <= limit:
            return
        needed.add(key)
        if key not in allowed:
            complaints.append(f"{where}: {what} of {lines} lines, the limit is {limit}: split it")
        elif lines > allowed[key]:
            complaints.append(f"{where}: {what} grew from {allowed[key]} to {lines} lines; the ratchet turns one way")

    for path in common.files(root, ".c", ".h", ".cc"):
        text = common.read(root, path)
        limit = OWN_LIMIT.get(os.path.basename(path), FILE_LINES[os.path.splitext(path)[1]])
        judge(path, path, text.count("\n"), limit, "file")
        for name, line, lines in functions(text):
            judge(f"{path}:{name}", f"{path}:{line}", lines, FUNCTION_LINES, f"function {name}")
    complaints += [f"{RATCHET}: {key} is short enough now: delete its line" for key in sorted(set(allowed) - needed)]
    cc = common.files(root, ".cc", under=("allocator", "harness", "scenarios"))
    if len(cc) > 1:
        complaints.append("more than one C++ file: " + " ".join(cc))
    return complaints


def function_of(lines, name="f"):
    return f"int {name}(void)\n{{\n" + "    x();\n" * lines + "}\n"


def packed_function_of(lines, name="f"):
    return f"static int {name}(int a,\n        int b) {{\n" + "    x();\n" * lines + "}\n"


CLEAN = {
    "harness/measure/b.c": packed_function_of(70) + packed_function_of(70, "g"),
    "allocator/heap/a.c": function_of(70) + "\nstatic const struct x ops = {\n    1,\n};\n" + function_of(69, "g"),
    "allocator/include/ua.h": "\n" * 400,
    "harness/gate/long.c": function_of(90),
    RATCHET: "# exceptions\n90 harness/gate/long.c:f\n",
    "harness/worker/gbench_shim.cc": "\n",
}
PLANTED = [
    ({"allocator/heap/a.c": function_of(71)}, "function f of 71 lines"),
    ({"allocator/heap/a.c": function_of(3) + "static void\n" + function_of(80, "split")}, "function split of 80"),
    ({"harness/measure/b.c": packed_function_of(3) + packed_function_of(72, "packed")}, "function packed of 72"),
    ({"allocator/heap/a.c": "\n" * 501}, "file of 501 lines"),
    ({"allocator/heap/a.h": "\n" * 201}, "file of 201 lines"),
    ({"harness/gate/long.c": function_of(91)}, "grew from 90 to 91"),
    ({"harness/gate/long.c": function_of(60)}, "delete its line"),
    ({"harness/gate/second.cc": "\n"}, "more than one C++ file"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
