"""What a load beside it does to a measurement: the limits of `doctor` for load_average and psi_cpu_percent.

usage: load_levels.py BUILD [--levels 0,0.25,0.5,1,1.5,2,3,4] [--pairs N] [--cpu N]

For each level so many processors' worth of other work runs (processes that spin for a part of each 40 ms, on any processor), as a machine
with that load average would have it. Then pairs of equal processes (A against A) of three cells run as the driver runs them: one at a time,
bound to --cpu, the pass time. Printed for each level: load a processor, the share of time in which a runnable task waited for a processor
(PSI "some", before the pairs and during them), by how much the two of a pair differ (median and greatest, best and typical), and how wide
the interval of their ratio is (from the smallest to the largest of the pairs: 98 % with seven). A line of its own: at which levels that
is wider than twice that of level 0."""
import argparse
import math
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "worker"))
from observe import observe  # noqa: E402

CELLS = [("worker-bump", "bump", "bulk"), ("worker-arena", "arena-kept", "reuse"), ("worker-malloc", "malloc", "each")]
PERIOD_S = 0.04
SETTLE_S = 3.0
SPIN = ("import time,sys\nbusy=float(sys.argv[1])\n"
        "while True:\n end=time.perf_counter()+busy\n while time.perf_counter()<end: pass\n"
        f" time.sleep(max(0,{PERIOD_S}-busy))\n")


class Load:
    """level processors' worth of work: whole spinners, and one for the rest."""

    def __init__(self, level):
        shares = [1.0] * int(level) + ([level % 1] if level % 1 else [])
        self.processes = [subprocess.Popen([sys.executable, "-c", SPIN, str(PERIOD_S * share)]) for share in shares]

    def __enter__(self):
        time.sleep(SETTLE_S)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()


def waited_us():
    with open("/proc/pressure/cpu", encoding="ascii") as file:
        return int(file.readline().rsplit("total=", 1)[1])


def share_waiting(start_us, start_s):
    return (waited_us() - start_us) / 1e4 / (time.monotonic() - start_s)


def measure(build, cell, cpu, order):
    worker, backend, arm = cell
    observation, _ = observe(f"{build}/{worker}", {"pass": "time", "scenario": "binary_trees", "backend": backend, "arm": arm, "pages": "huge",
                                                   "scale": 1.0, "blocks": 8, "pus": [cpu], "order": order})
    return {row["metric"]: row["value"] for row in observation["metrics"]}


def level_row(build, level, pairs, cpu):
    """One level: PSI before, PSI during, and ln(A'/A) of every cell and pair for best and typical."""
    ratios = {"time": [], "time_typical": []}
    with Load(level):
        start = waited_us(), time.monotonic()
        time.sleep(SETTLE_S)
        before = share_waiting(*start)
        start = waited_us(), time.monotonic()
        rows = [[] for _ in CELLS]
        for pair in range(pairs):
            for index, cell in enumerate(CELLS):
                rows[index].append([measure(build, cell, cpu, 2 * pair + half) for half in range(2)])
        during = share_waiting(*start)
    for metric, found in ratios.items():
        for row in rows:
            found.append([math.log(other[metric] / one[metric]) for one, other in row])
    return before, during, ratios


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--levels", default="0,0.25,0.5,1,1.5,2,3,4")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--cpu", type=int, default=0)
    args = parser.parse_args()
    cpus = len(os.sched_getaffinity(0))
    quiet = None
    print(f"{cpus} processors, {args.pairs} pairs of {len(CELLS)} cells; percent")
    print("load load/cpu | PSI before during | best: pair median max, width | typical: pair median max, width")
    for level in (float(word) for word in args.levels.split(",")):
        before, during, ratios = level_row(args.build, level, args.pairs, args.cpu)
        parts = []
        widths = []
        for found in ratios.values():
            apart = sorted(abs(d) for row in found for d in row)
            width = statistics.median(max(row) - min(row) for row in found)
            widths.append(width)
            parts.append(f"{100 * statistics.median(apart):6.2f} {100 * apart[-1]:7.2f} {100 * width:7.2f}")
        quiet = quiet or widths
        wider = [name for name, width, least in zip(("best", "typical"), widths, quiet) if width > 2 * least]
        print(f"{level:4.2f} {level / cpus:8.3f} | {before:6.1f} {during:6.1f} | {' | '.join(parts)} | {', '.join(wider) or '-'} over twice",
              flush=True)


main()
