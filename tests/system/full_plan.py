#!/usr/bin/env python3
"""Profile full keeps its promise on paper: at most 450 cells, every one of a kind that the design names, about 40 minutes.

usage: full_plan.py ARENABENCH

The real driver plans the real catalogue; it is interrupted as soon as the plan is on disk. The time is the budget's, not this machine's:
0.4 s a process and, where the memory pass waits for what an allocator gives back, one second more.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

CELLS_MOST, PROCESS_S, IDLE_S, MINUTES_MOST = 450, 0.4, 1.0, 45


def plan_of(program, folder):
    out = os.path.join(folder, "run")
    process = subprocess.Popen([program, "full", "--out", out], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 100
    while process.poll() is None and not os.path.exists(os.path.join(out, "plan.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    with open(os.path.join(out, "plan.json"), encoding="utf-8") as file:
        head = json.load(file)
    assert process.returncode == 128 + signal.SIGINT, (process.returncode, err)
    return head["plan"]


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_of(program, folder)
    cells, order = plan["cells"], plan["order"]
    again = [cell for cell in cells if cell.get("side") == "head"]
    timed = {step["cell"] for step in order if step["pass"] == "time"} - {cell["index"] for cell in again}
    memory = sum(step["pass"] == "memory" for step in order)
    minutes = (len(order) * PROCESS_S + memory * IDLE_S) / 60
    print(f"{len(cells)} cells, {len(again)} of them A/A, {len(order)} processes, at most {minutes:.0f} minutes")
    assert len(cells) <= CELLS_MOST, f"{len(cells)} cells"
    assert minutes <= MINUTES_MOST, f"{minutes:.1f} minutes"
    assert 0.04 * len(timed) <= len(again) <= 0.06 * len(timed) + 1, f"{len(again)} of {len(timed)} cells run twice"
    for scenario in ("json_dom", "binary_trees", "request_server"):
        backends = {cell["backend"] for cell in cells if cell["scenario"] == scenario}
        assert {"malloc", "arena-safe", "arena-go", "arena-kept", "gcheap", "bump"} <= backends, (scenario, backends)
        arms = {cell["arm"] for cell in cells if cell["scenario"] == scenario and cell["backend"] == "malloc"}
        assert arms == {"each", "keep", "fresh"}, (scenario, arms)
    # The credit split of every program that has a time: each, keep, fresh of malloc beside reuse and fresh of an arena.
    for scenario in ("json_dom", "binary_trees", "request_server", "gc_pacing"):
        arms = {(cell["backend"], cell["arm"]) for cell in cells if cell["scenario"] == scenario and cell["pages"] == "huge"}
        needed = {("malloc", "each"), ("malloc", "keep"), ("malloc", "fresh"), ("arena-safe", "reuse"), ("arena-safe", "fresh"),
                  ("arena-kept", "reuse")}
        assert needed <= arms, (scenario, needed - arms)
    assert sum(cell["threads"] == 2 for cell in cells) == 8, "eight cells on two threads"


main()
