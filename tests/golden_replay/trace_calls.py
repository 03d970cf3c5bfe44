"""The system calls of golden_replay are Go's: one mmap RW FIXED and one MADV_HUGEPAGE a chunk, one mmap PROT_NONE a fault.

What to expect comes from the golden file alone: the first chunk reserves 64 MiB, each 8 MiB that in_heap gains outside the
general heap is a chunk taken, each 8 MiB it loses a chunk set to fault. The calls on chunk address space (Go's hints from
0x40c000000000 up) must be exactly these, in this order, each on one whole chunk.

Usage: trace_calls.py GOLDEN_REPLAY FILE...   (each FILE beside its types.json). Exit 77: no strace, or it may not trace.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CHUNK = 8 << 20
HEAP_ARENA = 64 << 20
HINT = 0x40C000000000
CALL = re.compile(r"^(mmap|munmap|mprotect|madvise)\((0x[0-9a-f]+|NULL), (\d+)(?:, ([^)]*))?\)\s+= (\S+)")
FLAGS = "MAP_PRIVATE|MAP_FIXED|MAP_ANONYMOUS, -1, 0"


def expected(path):
    """Kinds of calls in the order of the steps."""
    calls = []
    taken = 0
    quarantined = 0
    for line in open(path, encoding="utf-8"):
        step = json.loads(line)
        gained = step.get("delta", {}).get("in_heap", 0)
        waiting = step.get("lists", {}).get("quarantine", quarantined)
        if step.get("finalizers") == "run":  # frees an arena and has no delta: its chunks show in the quarantine
            calls += ["fault"] * max(waiting - quarantined, 0)
        quarantined = waiting
        if (step.get("result") or {}).get("at") == "heap" or gained % CHUNK:
            continue
        for _ in range(gained // CHUNK if gained > 0 else 0):
            if taken == 0:  # no file needs a second reservation
                calls.append("reserve")
            calls += ["map", "huge"]
            taken += 1
        calls += ["fault"] * (-gained // CHUNK if gained < 0 else 0)
    return calls


def kind_of(name, at, size, rest, problems):
    if name == "mmap" and rest.startswith("PROT_READ|PROT_WRITE, " + FLAGS) and size == CHUNK:
        return "map"
    if name == "mmap" and rest.startswith("PROT_NONE, " + FLAGS) and size == CHUNK:
        return "fault"
    if name == "mmap" and rest.startswith("PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0") and size % HEAP_ARENA == 0:
        return "reserve"
    if name == "madvise" and rest == "MADV_HUGEPAGE" and size == CHUNK:
        return "huge"
    if name == "munmap":
        return "close"
    problems.append(f"{name}({at:#x}, {size}, {rest}) is no call of Go's for a chunk")
    return "?"


def seen(trace, problems):
    """(kind, address) of the calls on chunk address space, up to the heap's end."""
    calls = []
    for line in trace:
        found = CALL.match(line)
        if not found or found.group(2) == "NULL" or int(found.group(2), 16) < HINT or int(found.group(2), 16) % CHUNK:
            continue
        at = int(found.group(2), 16)
        if not 0 <= (at & (1 << 40) - 1) - (HINT & (1 << 40) - 1) < 1 << 36:  # the program, libraries, stacks
            continue
        calls.append((kind_of(found.group(1), at, int(found.group(3)), found.group(4) or "", problems), at))
    return [call for call in calls if call[0] != "close"]


def check_pairs(calls, problems):
    """A chunk is advised right after it was mapped, and only a mapped one is set to fault."""
    mapped = set()
    for i, (kind, at) in enumerate(calls):
        if kind == "map":
            if at in mapped or calls[i + 1:i + 2] != [("huge", at)]:
                problems.append(f"chunk {at:#x} is mapped twice, or not advised right after it was mapped")
            mapped.add(at)
        elif kind == "fault":
            if at not in mapped:
                problems.append(f"chunk {at:#x} is set to fault and was not in use")
            mapped.discard(at)


def trace_file(program, path):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        shutil.copy(os.path.join(os.path.dirname(path), "types.json"), folder)
        log = os.path.join(folder, "calls.strace")
        run = subprocess.run(["strace", "-f", "-qq", "-e", "trace=mmap,munmap,mprotect,madvise", "-e", "signal=none", "-o", log,
                              program, folder], capture_output=True, text=True, check=False)
        if "ptrace" in run.stderr and "not permitted" in run.stderr:
            print("skipped: this system does not allow tracing")
            sys.exit(77)
        if run.returncode != 0:
            return [], [f"golden_replay failed: {run.stdout}{run.stderr}"]
        problems = []
        lines = [re.sub(r"^\d+\s+", "", line) for line in open(log, encoding="utf-8")]
        return seen(lines, problems), problems


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 5
    if shutil.which("strace") is None:
        print("skipped: strace is not installed")
        return 77
    failed = False
    for path in sys.argv[2:]:
        calls, problems = trace_file(sys.argv[1], path)
        want = expected(path)
        got = [kind for kind, _ in calls]
        if got != want:
            at = next((i for i, pair in enumerate(zip(got, want)) if pair[0] != pair[1]), min(len(got), len(want)))
            problems.append(f"call {at} is {got[at:at + 3]}, expected {want[at:at + 3]} ({len(got)} calls for {len(want)})")
        check_pairs(calls, problems)
        counts = {kind: got.count(kind) for kind in sorted(set(got))}
        print(f"{os.path.basename(path)}: {counts} {'; '.join(problems) or 'as Go'}")
        failed |= bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
