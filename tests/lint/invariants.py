"""docs/INVARIANTS.md: every INV-nn line names a check and a test, and both exist.

A line reads: "INV-07 text. check: `name` in `file`; test: `name`". A check is a function or file of allocator/ or harness/, a
test a function or file of tests/. Several names, comma-separated, may follow each word.
"""
import os
import re
import common

BOOK = "docs/INVARIANTS.md"
ENTRY = re.compile(r"\bINV-(\d+)\b")
NAMED = re.compile(r"\b(checks?|tests?)\b:?\s*((?:`[^`]+`(?:,?\s*(?:and|in|of)?\s*)?)+)", re.I)


def entries(text):
    """Paragraphs and table rows that open with INV-nn: (number, whole text)."""
    found = []
    for line in text.split("\n"):
        if re.match(r"[\s*|#-]*`?INV-\d+", line):
            found.append([ENTRY.search(line).group(1), line])
        elif found and line.strip() and not line.startswith("#"):
            found[-1][1] += " " + line.strip()
        elif line.startswith("#"):
            found.append([None, ""])
    return [(number, text) for number, text in found if number]


def words(root, under):
    pool = set()
    for path in common.files(root, under=under):
        pool.update((path, os.path.basename(path), os.path.splitext(os.path.basename(path))[0]))
        if path.endswith((".c", ".h", ".cc", ".py", ".sh", ".txt")):
            pool.update(re.findall(r"[A-Za-z_]\w+", common.read(root, path)))
    return pool


def check(root):
    if not os.path.exists(os.path.join(root, BOOK)):
        return [f"{BOOK} is missing"]
    listed = entries(common.read(root, BOOK))
    complaints = [] if listed else [f"{BOOK}: no INV-nn line"]
    pools = {"check": words(root, ("allocator", "harness", "scenarios")), "test": words(root, ("tests",))}
    seen = set()
    for number, text in listed:
        if number in seen:
            complaints.append(f"{BOOK}: INV-{number} is there twice")
        seen.add(number)
        for kind, pool in pools.items():
            names = [name for word, group in NAMED.findall(text) if word.lower().startswith(kind)
                     for name in re.findall(r"`([^`]+)`", group)]
            if not names:
                complaints.append(f"{BOOK}: INV-{number} names no {kind} (write {kind}: `name`)")
            for name in names:
                plain = re.sub(r"\(.*\)$", "", name)
                if plain not in pool and not os.path.exists(os.path.join(root, plain)):
                    complaints.append(f"{BOOK}: INV-{number}: {kind} `{name}` does not exist")
    return complaints


CLEAN = {
    BOOK: "# Invariants\n\nINV-01 Bytes are never lost. check: `ua_acct_check`; test: `test_sum`, `test_acct.c`\n\n"
          "- **INV-02** Chunks have one\n  state. Check: `chunk.c`; tests: `test_states`.\n",
    "allocator/acct/acct.c": "void ua_acct_check(void);\n",
    "allocator/heap/chunk.c": "\n",
    "tests/allocator/test_acct.c": "void test_sum(void); void test_states(void);\n",
}
PLANTED = [
    ({BOOK: "INV-01 x. check: `ua_acct_check`\n"}, "names no test"),
    ({BOOK: "INV-01 x. test: `test_sum`\n"}, "names no check"),
    ({BOOK: "INV-01 x. check: `ua_gone`; test: `test_sum`\n"}, "check `ua_gone` does not exist"),
    ({BOOK: "INV-01 x. check: `chunk.c`; test: `test_gone`\n"}, "test `test_gone` does not exist"),
    ({BOOK: "nothing\n"}, "no INV-nn line"),
    ({BOOK: "INV-01 x. check: `chunk.c`; test: `test_sum`\n\nINV-01 y. check: `chunk.c`; test: `test_sum`\n"}, "twice"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
