"""Every header compiles alone, with gcc and clang, under our warnings; public ones also as strict C11 and as C++17.

Usage: headers.py ROOT BUILD: the include paths are those of BUILD/compile_commands.json. Backend headers are compiled with
the definitions that their worker's build gives them.
"""
import concurrent.futures
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import common

WARNINGS = "-Wall -Wextra -Wshadow -Wundef -Werror -Wno-unused-function -Wno-unused-variable -Wno-pragma-once-outside-header".split()
LANGUAGES = {"gnu17": "c", "c11": "c", "c++17": "c++"}


@functools.cache
def build_words(build):
    """The words of each compilation of BUILD; to split them takes longer than a hundred headers."""
    path = os.path.join(build, "compile_commands.json") if build else ""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [shlex.split(command["command"]) for command in json.load(file)]


def include_flags(build):
    flags = []
    for words in build_words(build):
        for index, word in enumerate(words):
            flag = [word] if word.startswith("-I") and len(word) > 2 else words[index:index + 2] if word == "-isystem" else None
            if flag and flag not in flags:
                flags.append(flag)
    return [word for flag in flags for word in flag]


def definitions(path, build):
    """The -D words that a worker's build gives to a backend header and to the scenario header that includes it."""
    if not path.startswith(("harness/backends/", "scenarios/common/", "harness/worker/", "tests/worker/")) or not build:
        return []
    forms = [[word for word in w if word.startswith("-D")] for w in build_words(build) if any(word.startswith("-DHX_FORM=") for word in w)]
    mine = [form for form in forms if any(os.path.basename(path) in word for word in form)]
    return (mine or forms or [[]])[0] + ["-DSC_ZEROED=0"]  # SC_ZEROED: each scenario defines it before it includes these


def compile_alone(root, path, standard, compiler, flags):
    text = f'#include "{os.path.join(root, path)}"\nint ab_alone_;\n'
    command = [compiler, "-fsyntax-only", "-x", LANGUAGES[standard], f"-std={standard}", *WARNINGS, "-D_GNU_SOURCE", *flags, "-"]
    if standard == "c11":
        command.remove("-D_GNU_SOURCE")
    if standard == "c++17":
        command.remove("-Wshadow")  # gcc's C++ says so of every function named like a struct, as in struct stat and stat()
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
    return [f"{path}: not alone as {standard} with {compiler}: {first}"]


def check(root, build=None):
    flags = include_flags(build) or [f"-I{os.path.join(root, top)}" for top in ("", "allocator", "allocator/include", "harness")]
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    jobs = []
    for path in common.files(root, ".h"):
        text = common.read(root, path)
        if path.startswith("tests/") and ("#ifndef" not in text or "/planted/" in path):
            continue  # a fragment that a test puts into another file's place, or the frame of planted faults
        standards = ["gnu17"]
        if path.startswith("allocator/include/"):
            standards += ["c11", "c++17"]
        elif "__cplusplus" in text:
            standards += ["c++17"]
        extra = definitions(path, build)
        jobs += [(root, path, standard, compiler, flags + extra) for standard in standards for compiler in compilers]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [line for lines in pool.map(lambda job: compile_alone(*job), jobs) for line in lines]


CLEAN = {
    "allocator/base/base.h": "#include <stddef.h>\nstatic inline size_t ua_one(void) { return 1; }\n",
    "allocator/include/ua.h": '#include <stddef.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\nvoid *ua_new_bytes(size_t);\n'
                              "#ifdef __cplusplus\n}\n#endif\n",
}
PLANTED = [
    ({"allocator/base/base.h": "static inline size_t ua_one(void) { return 1; }\n"}, "not alone as gnu17 with gcc"),
    ({"allocator/include/ua.h": "struct ua_x { int class; };\n"}, "not alone as c++17"),
    ({"allocator/include/ua.h": "#define UA_X __typeof__\nstatic inline void *ua_f(void) { typeof(1) x = 0; return x ? 0 : 0; }\n"},
     "not alone as c11"),
]

if __name__ == "__main__":
    BUILD = sys.argv[2]
    REAL = os.path.abspath(sys.argv[1])
    common.main(lambda root: check(root, BUILD if os.path.abspath(root) == REAL else None), CLEAN, PLANTED)
