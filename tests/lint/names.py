"""Names: every source file's name is unique in the tree, include guards are there, and no file names this workplace.

Unique names let an include, a log line or a reader say "chunk.c" and mean one file. Headers of tests may be fragments without a
guard.
"""
import os
import re
import socket
import subprocess
import common

REPEATED = {"CMakeLists.txt", "README.md", "main.c", "run"}  # main.c: one a program, never included
WORKPLACE = re.compile(r"(?<![\w.$}])/(work|farm|home|root|mnt|Users)/\w|/tmp/\w+/\w|deb\.debian\.org|registry\.npmjs|/\.pyenv/")
GUARD = re.compile(r"^#ifndef ([A-Z][A-Z0-9_]*)\n#define \1\n", re.M)


def host_pattern():
    host = socket.gethostname()
    return re.compile(r"\b" + re.escape(host) + r"\b") if len(host) >= 6 and re.search(r"[\d-]", host) else None


def all_files(root):
    """What git tracks or would track; a plain walk where there is no git."""
    if os.path.exists(os.path.join(root, ".git")):
        listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "-co", "--exclude-standard"],
                                capture_output=True, check=True).stdout.decode()
        return sorted(path for path in listed.split("\0") if path and os.path.isfile(os.path.join(root, path)))
    return common.files(root, under=(".",))


def check(root):
    complaints, seen, host = [], {}, host_pattern()
    for path in common.files(root, ".c", ".h", ".cc"):
        base = os.path.basename(path)
        if base in seen and base not in REPEATED:
            complaints.append(f"{path}: the name is taken by {seen[base]}")
        seen.setdefault(base, path)
        if path.endswith(".h") and not path.startswith("tests/") and not GUARD.search(common.code_of(common.read(root, path))):
            complaints.append(f"{path}: no include guard (#ifndef NAME, #define NAME)")
        text = common.read(root, path)
        if path.startswith("allocator/include/") and ");" in common.code_of(text) and "__cplusplus" not in text:
            complaints.append(f"{path}: a public header is usable from C++: extern \"C\" under __cplusplus")
    for path in all_files(root):
        if path.startswith("tests/golden/") or path.endswith((".png", ".svg", ".zst", "lint/names.py")):
            continue
        for number, line in enumerate(common.read(root, path).split("\n"), 1):
            found = WORKPLACE.search(line) or (host and host.search(line))
            if found:
                complaints.append(f"{path}:{number}: names this workplace: {found.group(0)}")
    return complaints


CLEAN = {
    "allocator/base/base.h": "/* why */\n#ifndef UA_BASE_H\n#define UA_BASE_H\n#endif\n",
    "allocator/include/ua.h": "#ifndef UA_H\n#define UA_H\n#ifdef __cplusplus\n#endif\n#endif\n",
    "harness/worker/main.c": 'const char *path = "/usr/share/iso-codes";\n',
    "harness/driver/main.c": "/* build/wo" + "rk/x and $root/srv */\n",
}
PLANTED = [
    ({"tests/worker/bare/allocator/base/base.h": ""}, "the name is taken"),
    ({"harness/gate/base.h": "#ifndef HX_B_H\n#define HX_B_H\n#endif\n"}, "the name is taken"),
    ({"allocator/base/base.h": "int x;\n"}, "no include guard"),
    ({"allocator/include/ua.h": "#ifndef UA_H\n#define UA_H\nvoid ua_f(void);\n#endif\n"}, "usable from C++"),
    ({"harness/driver/main.c": '"/wo' + 'rk/main/x"\n'}, "names this workplace"),
    ({"run.sh": "cd /ho" + "me/someone\n"}, "names this workplace"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
