"""A worker is quiet while it measures: no system call, no call of malloc and no perf descriptor between or within blocks.

usage: quiet.py strace WORKER BACKEND ARM   |   quiet.py malloc WORKER BACKEND ARM LIBRARY
The same request is run with few and with many blocks; what is counted must be the same. Exit 77: no strace, or it may not trace."""
import collections
import json
import re
import shutil
import sys
import tempfile

from observe import REQUEST, run

# Google Benchmark writes the number of iterations into a name: as many digits for both, else a string grows.
FEW, MANY = 20, 40


def request(name, backend, arm, blocks):
    return json.dumps({**REQUEST, "pass": name, "scenario": "request_server", "backend": backend, "arm": arm, "pages": "huge", "scale": 0.02,
                       "blocks": blocks})


def run_quietly(command, environment=None):
    """Exit code and stderr; the observation must be there, nobody looks at it."""
    code, observation, error = run(command, environment)
    if code == 0 and not observation:
        sys.exit("the worker wrote no observation")
    return code, error


def system_calls(worker, backend, arm, name, blocks):
    with tempfile.NamedTemporaryFile() as log:
        code, error = run_quietly(["strace", "-f", "-o", log.name, worker, "--observe", request(name, backend, arm, blocks)])
        text = open(log.name, encoding="utf-8", errors="replace").read()
    if code != 0:
        print(error)
        sys.exit(77 if "ptrace" in error or "PTRACE" in error else 1)
    return collections.Counter(re.findall(r"^\d+\s+([a-z_0-9]+)\(", text, re.M))


def main():
    what, worker, backend, arm = sys.argv[1:5]
    if what == "strace" and shutil.which("strace") is None:
        print("strace is not installed")
        sys.exit(77)
    for name in ("time", "counts"):
        if what == "strace":
            few, many = (system_calls(worker, backend, arm, name, blocks) for blocks in (FEW, MANY))
            if few["perf_event_open"] + many["perf_event_open"] != 0:
                sys.exit(f"{name}: opens a perf event")
        else:
            few, many = (run_quietly([worker, "--observe", request(name, backend, arm, blocks)], {"LD_PRELOAD": sys.argv[5]})[1]
                         for blocks in (FEW, MANY))
        if what == "malloc" and "malloc calls: " not in few:
            sys.exit(f"the counting library was not loaded: {few}")
        if not few or few != many:
            sys.exit(f"{name}: {FEW} blocks: {few}\n{name}: {MANY} blocks: {many}")
        print(f"{name}: {FEW} and {MANY} blocks alike: {sum(few.values()) if what == 'strace' else few.strip()}")


main()
