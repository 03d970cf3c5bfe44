"""What libua shows and takes: exported symbols begin with ua_, nothing comes from malloc, only os/ maps memory.

Usage: symbols.py LIBUA_SO LIBUA_A. Reads the libraries as built, so a call hidden in a macro or an inline function is seen too.
The self-test builds small libraries with each fault.
"""
import os
import re
import subprocess
import sys
import tempfile

FORBIDDEN = re.compile(r"^(malloc|calloc|realloc|reallocarray|free|strdup|strndup|posix_memalign|aligned_alloc|memalign|__assert_fail)$")
MAPPING = re.compile(r"^(mmap|mmap64|munmap|mremap|mprotect|madvise|process_madvise|mlock)$")
OURS = re.compile(r"^ua_")
LINKER = {"_init", "_fini", "__bss_start", "_edata", "_end", "_GLOBAL_OFFSET_TABLE_"}


def nm(*arguments):
    done = subprocess.run(["nm", "-P", "-A", *arguments], capture_output=True, text=True, check=True)
    rows = []
    for line in done.stdout.splitlines():
        where, _, rest = line.partition(": ")
        words = rest.split()
        if len(words) >= 2:
            rows.append((where, words[0].split("@")[0], words[1]))
    return rows


def member(where):
    """The object file of a row: "libua.a[vm_linux.c.o]" -> "vm_linux.c.o"."""
    match = re.search(r"\[(.+)\]", where)
    return match.group(1) if match else os.path.basename(where)


def check(shared, archive, os_objects):
    complaints = []
    exported = [name for _, name, kind in nm("-D", "--defined-only", shared) if name not in LINKER]
    if not exported:
        complaints.append(f"{os.path.basename(shared)} exports nothing")
    complaints += [f"{os.path.basename(shared)} exports {name}: ua_ alone is ours" for name in exported if not OURS.match(name)]
    for where, name, kind in nm("-g", "--defined-only", archive):
        if not OURS.match(name):
            complaints.append(f"{member(where)} defines {name}: global names begin with ua_")
    for where, name, kind in nm("-u", archive):
        if FORBIDDEN.match(name):
            complaints.append(f"{member(where)} calls {name}")
        if MAPPING.match(name) and member(where) not in os_objects:
            complaints.append(f"{member(where)} calls {name}: allocator/os/ alone maps memory")
    return sorted(set(complaints))


def build(folder, sources):
    """Compiles {name.c: text} into libx.a and libx.so, as libua is built."""
    objects = []
    for name, text in sources.items():
        source, target = os.path.join(folder, name), os.path.join(folder, name + ".o")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run(["cc", "-O1", "-fPIC", "-fno-builtin", "-fvisibility=hidden", "-c", source, "-o", target], check=True)
        objects.append(target)
    archive, shared = os.path.join(folder, "libx.a"), os.path.join(folder, "libx.so")
    subprocess.run(["ar", "rcs", archive, *objects], check=True)
    subprocess.run(["cc", "-shared", "-o", shared, *objects], check=True)
    return shared, archive


API = '__attribute__((visibility("default"))) void ua_new(void);\nvoid ua_new(void) { }\n'
CLEAN = {"api.c": API, "vm_linux.c": "#include <sys/mman.h>\nint ua_vm(void *p); int ua_vm(void *p) { return munmap(p, 1); }\n"}
PLANTED = [
    ({"x.c": '__attribute__((visibility("default"))) int other; '}, "exports other"),
    ({"x.c": "int helper(void); int helper(void) { return 1; }\n"}, "defines helper"),
    ({"x.c": "#include <stdlib.h>\nvoid *ua_x(void); void *ua_x(void) { return malloc(3); }\n"}, "calls malloc"),
    ({"x.c": "#include <sys/mman.h>\nint ua_x(void *p); int ua_x(void *p) { return madvise(p, 1, 1); }\n"}, "x.c.o calls madvise"),
    ({"api.c": "void ua_new(void); void ua_new(void) { }\n"}, "exports nothing"),
]


def self_test():
    errors = []
    for changes, expected in [({}, None)] + PLANTED:
        with tempfile.TemporaryDirectory() as folder:
            found = check(*build(folder, {**CLEAN, **changes}), {"vm_linux.c.o"})
        if expected is None and found:
            errors.append("self-test: complains about the clean library: " + found[0])
        if expected is not None and not any(expected in line for line in found):
            errors.append(f"self-test: does not find \"{expected}\" (found: {found})")
    return errors


def main():
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "allocator", "os")
    os_objects = {name + ".o" for name in os.listdir(here) if name.endswith(".c")}
    errors = self_test() or check(sys.argv[1], sys.argv[2], os_objects)
    for error in errors:
        print(error)
    print(f"symbols.py: {len(errors)} complaints, {len(PLANTED)} planted violations tried first")
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
