"""What every lint shares: the list of source files, C text without comments, and the frame that plants violations first.

A lint is check(root) -> list of complaints, one line each, "path:line: what is wrong and what is right". Before it looks at the
tree it must find each violation of its own PLANTED list in a small made-up tree, and nothing in the same tree without it: a lint
that cannot fail is no lint.
"""
import os
import re
import sys
import tempfile

SKIPPED_FOLDERS = {"build", ".git", "runs", "__pycache__", "golden"}


def files(root, *suffixes, under=("allocator", "harness", "scenarios", "tests")):
    """Paths relative to root, sorted; all files when no suffix is given."""
    found = []
    for top in under:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(set(folders) - SKIPPED_FOLDERS)
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names
                      if not suffixes or name.endswith(suffixes)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text, keep_strings=False):
    """C text with comments (and strings) blanked out; every line keeps its number."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token if keep_strings else token[0] + " " * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)
    return TOKEN.sub(blank, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def make_tree(root, tree):
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def self_test(check, clean, planted):
    """clean: {path: text} that check accepts; planted: [({path: text}, part of the complaint)]."""
    errors = []
    for changes, expected in [({}, None)] + planted:
        with tempfile.TemporaryDirectory() as root:
            make_tree(root, {**clean, **changes})
            complaints = check(root)
        if expected is None and complaints:
            errors.append("complains about the clean tree: " + complaints[0])
        if expected is not None and not any(expected in complaint for complaint in complaints):
            errors.append(f"does not find the planted \"{expected}\" (found: {complaints})")
    return errors


def main(check, clean, planted):
    """Exit 0 clean, 1 complaints. Usage: LINT ROOT"""
    errors = ["self-test: " + error for error in self_test(check, clean, planted)]
    if not errors:
        errors = check(sys.argv[1])
    for error in errors:
        print(error)
    print(f"{os.path.basename(sys.argv[0])}: {len(errors)} complaints, {len(planted)} planted violations found first"
          if not errors else f"{os.path.basename(sys.argv[0])}: {len(errors)} complaints")
    sys.exit(1 if errors else 0)
