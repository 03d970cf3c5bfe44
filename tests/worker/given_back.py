"""What pass memory says is given back, at once, 0.1 s and 1 s later, and what is retained: against a backend that gives known parts back.

usage: given_back.py WORKER   (scenario monotone on planted/giver.h: four eighths at the release, two more while it waits for 0.1 s, one more
until 1 s, one stays)"""
import sys

from observe import observe

PAGE = 4096
SLACK = 24 * PAGE  # pages that are there for other reasons, and an eighth that ends inside a page
failures = []

observation, error = observe(sys.argv[1], {"pass": "memory", "scenario": "monotone", "backend": "bump"})
found = {(row["phase"], row["metric"]): row["value"] if row["reason"] is None else row["reason"] for row in observation["metrics"]}
held = found[("use", "rss_anon_bytes")]
live = observation["series"][-1][3]


def hold(phase, metric, value, slack=SLACK):
    if not isinstance(found[(phase, metric)], (int, float)) or abs(found[(phase, metric)] - value) > slack:
        failures.append(f"{phase} {metric}: {found[(phase, metric)]}, expected {value:.0f}")


hold("use", "rss_anon_bytes", live)
hold("release", "given_back_bytes", held * 4 / 8)
hold("idle", "given_back_100ms_bytes", held * 6 / 8)
hold("idle", "given_back_1s_bytes", held * 7 / 8)
hold("idle", "retained_bytes", held * 1 / 8)
hold("idle", "rss_anon_bytes", held * 1 / 8)
# A page of tables maps 512 pages.
tables = live / 512
hold("use", "page_table_bytes", tables, 16 * PAGE)
if found[("all", "meta_bytes")] != "this backend tells no metadata":
    failures.append(f"meta_bytes of the floor: {found[('all', 'meta_bytes')]}")
waits = [line for line in error.splitlines() if line.startswith("waits ")]
if waits != ["waits 100 ms", "waits 900 ms"]:
    failures.append(f"it waited otherwise: {waits}")
print("\n".join(failures) if failures else f"{held:.0f} bytes held; 4, 6, 7 of 8 parts given back, 1 retained; waits 0.1 s, then to 1 s")
sys.exit(1 if failures else 0)
