#!/usr/bin/env python3
"""Plants each fault of tests/mutants/*.patch, one at a time, in a copy of the tree, and sees its test turn red.

Usage: run.py SOURCE_DIR WORK_DIR [NAME...]. A patch opens with 'Planted fault: ...' and 'Turns red: TEST'. The copy is built
once; each plant builds and runs only the named test. Exit 0: every plant was caught. 1: one was not, or did not apply.
"""
import pathlib
import re
import shutil
import subprocess
import sys

TEST_SECONDS = 120


def run(command, cwd, timeout=None):
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return None


def copy_tree(source, work):
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], source).stdout.split("\0")
    for name in filter(None, names):
        if not (source / name).is_file():
            continue
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, work / name)


def build(work, test):
    return run(["cmake", "--build", "build", "--target", test], work).returncode == 0


def try_one(work, patch):
    """None when the plant was caught, else what went wrong."""
    red = re.search(r"^Turns red: (\S+)$", patch.read_text(), re.MULTILINE)
    if red is None:
        return "does not say which test turns red"
    if run(["patch", "-p1", "--forward", "--batch", "-i", str(patch)], work).returncode != 0:
        return "does not apply"
    try:
        if not build(work, red[1]):
            return "does not build"
        done = run([str(work / "build/tests/bin" / red[1])], work, TEST_SECONDS)
        return None if done is None or done.returncode != 0 else f"{red[1]} stays green"
    finally:
        run(["patch", "-p1", "--reverse", "--batch", "-i", str(patch)], work)


def main():
    if len(sys.argv) < 3:
        print("run.py: usage: run.py SOURCE_DIR WORK_DIR [NAME...]", file=sys.stderr)
        return 5
    source, work = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    patches = [p for p in sorted((source / "tests/mutants").glob("*.patch")) if not sys.argv[3:] or p.stem in sys.argv[3:]]
    if not patches:
        print("run.py: no such mutant; see tests/mutants", file=sys.stderr)
        return 5
    copy_tree(source, work)
    configured = run(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DAB_TESTS=ON", "-DAB_WERROR=OFF"], work)
    if configured.returncode != 0:
        print(configured.stderr, file=sys.stderr)
        return 5
    missed = 0
    for patch in patches:
        complaint = try_one(work, patch)
        missed += complaint is not None
        print(f"{'ok  ' if complaint is None else 'FAIL'} {patch.stem}{': ' + complaint if complaint else ''}", flush=True)
    print(f"{len(patches) - missed} caught, {missed} not")
    return 0 if missed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
