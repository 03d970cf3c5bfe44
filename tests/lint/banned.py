"""Banned calls and words (docs/STYLE.md 3, 4, 9; DESIGN 2.1).

  allocator/   no malloc family (metadata never comes from malloc), no assert (UA_CHECK and UA_ASSERT say more)
  allocator/   memory-mapping system calls in os/ alone
  everywhere   no call without a bound on what it writes; no unfinished business
  #if          in allocator/os/ alone (san.h holds the sanitizer macros), but for include guards, __cplusplus, #ifndef NAME before
               #error or #define NAME, the one switch that makes UA_ASSERT (base.h), and backend headers, which are chosen by
               constants of the build (docs/decisions/0002)
"""
import re
import common

MALLOC = re.compile(r"\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup|posix_memalign|aligned_alloc|memalign|assert)\s*\(")
MAPPING = re.compile(r"\b(mmap|munmap|mremap|mprotect|madvise|process_madvise|mlock|mincore|brk|sbrk)\s*\(")
UNBOUNDED = re.compile(r"\b(strcpy|strcat|stpcpy|sprintf|vsprintf|gets|alloca|strtok|mktemp|tmpnam)\s*\(")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented|\bstub(s|bed)?\b", re.I)
CONDITION = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)\b[ \t]*(.*)$", re.M)
DEMAND = re.compile(r"\s*#[ \t]*(error\b|define[ \t]+(\w+))")  # after #ifndef NAME: a demand or a default, not a variant
SWITCHES = {("allocator/base/base.h", "UA_DEBUG"), ("allocator/base/base.h", "defined(UA_DEBUG")}
GUARD = re.compile(r"[A-Z][A-Z0-9_]*_H_?$")


def matches(pattern, text, path, complaint):
    return [f"{path}:{common.line_of(text, m.start())}: {m.group(0).strip()} {complaint}" for m in pattern.finditer(text)]


def conditions(text, path):
    found = []
    for match in CONDITION.finditer(text):
        word, rest = match.group(1), match.group(2).strip()
        if word == "ifndef" and GUARD.match(rest) and path.endswith(".h"):
            continue
        if path.startswith("harness/backends/") or (path, rest.strip("()")) in SWITCHES:
            continue
        after = DEMAND.match(text, match.end())
        if word == "ifndef" and after and after.group(2) in (None, rest):
            continue
        if "__cplusplus" in rest and path.endswith(".h"):
            continue
        found.append(f"{path}:{common.line_of(text, match.start())}: #{word} {rest}: #if lives in allocator/os/ alone")
    return found


def check(root):
    complaints = []
    for path in common.files(root, ".c", ".h", ".cc"):
        raw = common.read(root, path)
        text = common.code_of(raw)
        complaints += matches(UNBOUNDED, text, path, "writes without a bound")
        complaints += matches(UNFINISHED, raw, path, "is unfinished business: finish it or leave it out")
        if path.startswith("allocator/"):
            complaints += matches(MALLOC, text, path, "is banned in the allocator")
            if not path.startswith("allocator/os/"):
                complaints += matches(MAPPING, text, path, "is a mapping call: allocator/os/ alone makes these")
        if path.startswith(("allocator/", "harness/", "scenarios/")) and not path.startswith("allocator/os/"):
            complaints += conditions(text, path)
    for path in common.files(root, ".sh", ".py", "CMakeLists.txt", ".cmake"):
        if not path.endswith("lint/banned.py"):
            complaints += matches(UNFINISHED, common.read(root, path), path, "is unfinished business")
    return complaints


CLEAN = {
    "allocator/base/base.h": "#ifndef UA_BASE_H\n#define UA_BASE_H\n/* no malloc( here, \"free(\" neither */\n#endif\n",
    "allocator/os/vm_linux.c": "#if defined(X)\nvoid *p = mmap(0);\n#endif\n",
    "allocator/api/api.c": "void ua_arena_free(void); char *s = \"malloc(\"; void f(void) { ua_free(1); ops->madvise_(1); }\n",
    "harness/worker/w.c": "#ifndef HX_A\n#error \"define it\"\n#endif\nvoid *p = mmap(0); void *q = malloc(1);\n",
}
PLANTED = [
    ({"allocator/heap/a.c": "void *p = malloc(3);\n"}, "malloc( is banned"),
    ({"allocator/heap/a.c": "void f(void) { free (p); }\n"}, "is banned in the allocator"),
    ({"allocator/heap/a.c": "void f(void) { assert(1); }\n"}, "assert( is banned"),
    ({"allocator/heap/a.c": "void f(void) { mprotect(p, 1, 2); }\n"}, "is a mapping call"),
    ({"harness/gate/a.c": "void f(void) { strcpy(a, b); }\n"}, "writes without a bound"),
    ({"tests/gc/a.c": "void f(void) { sprintf(a, b); }\n"}, "writes without a bound"),
    ({"harness/gate/a.c": "#ifdef NDEBUG\n#endif\n"}, "#if lives in allocator/os/"),
    ({"harness/gate/a.c": "#ifndef HX_A\nint x;\n#define HX_A\n#endif\n"}, "#if lives in allocator/os/"),
    ({"allocator/base/base.h": "#if UA_OTHER\n#endif\n"}, "#if lives in allocator/os/"),
    ({"allocator/heap/a.c": "/* TO" + "DO: later */\n"}, "unfinished business"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
