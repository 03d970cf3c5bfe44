"""Drag of bump on a life that only grows is 1.00, up to pages: at each of 200 samples, and over the whole life.

usage: drag_is_one.py WORKER"""
import json
import os
import subprocess
import sys
import tempfile

PAGE = 4096
# Pages that are there for other reasons: one at each end of the objects, the worker's own stack and late data pages.
SLACK_PAGES = 16
REQUEST = {"protocol": 1, "pass": "memory", "scenario": "monotone", "backend": "bump", "arm": "bulk", "threads": 1, "pages": "4k",
           "options": "-", "scale": 1.0, "cycles_per_block": 1, "blocks": 1, "seed": 1, "rep": 0, "order": 0, "pus": None,
           "input": [], "events": [], "event_group": 0, "litter": None}

with tempfile.TemporaryFile() as out:
    def third():
        os.dup2(out.fileno(), 3)
        os.set_inheritable(3, True)  # it may have been 3 already
    subprocess.run([sys.argv[1], "--observe", json.dumps(REQUEST)], preexec_fn=third, close_fds=False, check=True)
    out.seek(0)
    observation = json.loads(out.read())
drag = [row["value"] for row in observation["metrics"] if row["metric"] == "drag"][0]
rows = observation["series"]
# Page by page: what grew since the first sample is what was asked for since then.
worst = max(abs((row[5] - rows[0][5]) - (row[3] - rows[0][3])) for row in rows)
print(f"drag {drag:.5f}; {len(rows)} samples; at worst {worst / PAGE:.1f} pages from what was asked for")
live = rows[-1][3]
sys.exit(0 if len(rows) == 200 and worst <= SLACK_PAGES * PAGE and abs(drag - 1) <= 2 * SLACK_PAGES * PAGE / live else 1)
