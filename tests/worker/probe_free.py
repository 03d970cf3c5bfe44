"""The code that is timed has no probe: its instructions equal those of a build without the harness.

usage: probe_free.py REAL.o,... BARE.o,... PROBED.o,...   (same scenarios in the same order)
Controls: the probed form must differ, and must read the clock."""
import re
import subprocess
import sys


def functions(path):
    """name -> list of instructions, addresses and encodings dropped, relocations kept"""
    text = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", path], check=True, capture_output=True, text=True).stdout
    found, current = {}, None
    for line in text.splitlines():
        head = re.match(r"^[0-9a-f]+ <(.+)>:$", line)
        if head:
            current = found.setdefault(head.group(1), [])
        elif current is not None and line.strip():
            body = re.sub(r"^\s*[0-9a-f]+:\s*", "", line)
            current.append(re.sub(r"\s+", " ", body))
    return found


def main():
    real, bare, probed = (argument.split(",") for argument in sys.argv[1:4])
    if not len(real) == len(bare) == len(probed) or len(real) < 3:
        sys.exit(f"unequal lists: {len(real)}, {len(bare)}, {len(probed)}")
    wrong = 0
    for a, b, c in zip(real, bare, probed):
        name = a.rsplit("/", 1)[-1]
        code, plain, timed = functions(a), functions(b), functions(c)
        if not any(function.startswith("sc_cycles_") for function in code):
            sys.exit(f"{a}: no sc_cycles in it")
        for function in sorted(set(code) | set(plain)):
            if code.get(function) != plain.get(function):
                print(f"{name}: {function} differs from the build without the harness")
                wrong += 1
        if any("clock_gettime" in line for body in code.values() for line in body):
            print(f"{name}: reads a clock")
            wrong += 1
        if not any("clock_gettime" in line for body in timed.values() for line in body) or timed == code:
            print(f"{name}: the probed form has no probe: this test would see nothing")
            wrong += 1
        print(f"{name}: {len(code)} functions, {sum(map(len, code.values()))} lines compared")
    sys.exit(1 if wrong else 0)


main()
