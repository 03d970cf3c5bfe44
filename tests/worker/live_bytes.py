"""The oracle of live bytes equals a counter inside malloc that shares no line with it, at every one of the 200 samples.

usage: live_bytes.py WORKER LIBRARY"""
import json
import os
import subprocess
import sys
import tempfile

WORKER, LIBRARY = sys.argv[1:3]


def observe(scenario, arm):
    request = {"protocol": 1, "pass": "memory", "scenario": scenario, "backend": "malloc", "arm": arm, "threads": 1, "pages": "4k",
               "options": "-", "scale": 0.1, "cycles_per_block": 1, "blocks": 3, "seed": 1, "rep": 0, "order": 0, "pus": None,
               "input": [], "events": [], "event_group": 0, "litter": None}
    with tempfile.TemporaryFile() as out:
        def third():
            os.dup2(out.fileno(), 3)
            os.set_inheritable(3, True)  # it may have been 3 already
        done = subprocess.run([WORKER, "--observe", json.dumps(request)], stderr=subprocess.PIPE, text=True, preexec_fn=third,
                              close_fds=False, env={**os.environ, "LD_PRELOAD": LIBRARY}, check=False)
        out.seek(0)
        text = out.read()
    if done.returncode != 0:
        sys.exit(f"{scenario} {arm}: exit {done.returncode}: {done.stderr}")
    looks = [line for line in done.stderr.splitlines() if line.startswith("live bytes:")]
    if not looks:
        sys.exit("the counting library was not loaded")
    return json.loads(text), [int(word) for word in looks[-1].split()[2:]]


def check(scenario, arm):
    """The samples are a run of looks; the look before it is the mark, from which the oracle counts."""
    observation, looks = observe(scenario, arm)
    oracle = [row[3] for row in observation["series"]]
    if len(oracle) != 200 or len(set(oracle)) < 20:
        sys.exit(f"{scenario} {arm}: {len(oracle)} samples, {len(set(oracle))} of them different: nothing to compare")
    equal = max(sum(looks[start + i] - looks[start - 1] == bytes_ for i, bytes_ in enumerate(oracle))
                for start in range(1, len(looks) - len(oracle) + 1))
    print(f"{scenario} {arm}: {equal} of {len(oracle)} samples equal")
    return equal == len(oracle)


# An arm that frees nothing still ends its objects' lives: only arm each can be compared with malloc's own books.
sys.exit(0 if all([check(scenario, "each") for scenario in ("binary_trees", "request_server")]) else 1)
