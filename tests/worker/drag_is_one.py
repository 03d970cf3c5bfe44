"""Drag of bump on a life that only grows is 1.00, up to pages: at each of 200 samples, and over the whole life.

usage: drag_is_one.py WORKER"""
import sys

from observe import observe

PAGE = 4096
# Pages that are there for other reasons: one at each end of the objects, the worker's own stack and late data pages.
SLACK_PAGES = 16

observation, _ = observe(sys.argv[1], {"pass": "memory", "scenario": "monotone", "backend": "bump"})
drag = [row["value"] for row in observation["metrics"] if row["metric"] == "drag"][0]
rows = observation["series"]
# Page by page: what grew since the first sample is what was asked for since then.
worst = max(abs((row[5] - rows[0][5]) - (row[3] - rows[0][3])) for row in rows)
print(f"drag {drag:.5f}; {len(rows)} samples; at worst {worst / PAGE:.1f} pages from what was asked for")
live = rows[-1][3]
sys.exit(0 if len(rows) == 200 and worst <= SLACK_PAGES * PAGE and abs(drag - 1) <= 2 * SLACK_PAGES * PAGE / live else 1)
