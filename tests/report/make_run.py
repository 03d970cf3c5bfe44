#!/usr/bin/python3
"""Writes one synthetic run directory in the exact shapes of docs/PROTOCOL.md, seeded, so that every figure of the report can be
computed independently. It holds what real machines do not offer on demand: an absent arm, a cell with too few repetitions, a
multiplexed and a never scheduled counter, a percentile with too few calls, a process that migrated, text that wants to be markup.

    make_run.py OUT [--seed N] [--interrupted] [--journal] [--full] [--splits] [--open]

--interrupted: no curves, half of the processes, exit 130. --journal: the same before any table was written: plan.json and
observations.jsonl with a torn last line. --full: more backends, arms, threads and scenarios. --splits: what profile full adds to a
scenario: arms keep, fresh and reuse, the steps of the price of safety, scenario empty on the floor. --open: scenario request_open, which
has latencies of requests alone.
"""
import argparse
import ctypes
import json
import math
import os
import random

QUICK_BACKENDS = [("malloc", "each"), ("mimalloc", "each"), ("arena-safe", "fresh"), ("arena-go", "fresh"),
                  ("arena-kept", "reuse"), ("bump", "bulk")]
FULL_BACKENDS = QUICK_BACKENDS + [
    ("malloc", "keep"), ("malloc", "fresh"), ("mimalloc", "keep"), ("arena-kept", "fresh"), ("jemalloc", "each"),
    ("tcmalloc", "each"), ("gcheap", "collect"), ("bdwgc", "collect"), ("mimalloc-heap", "bulk"), ("obstack", "bulk"),
    ("apr", "bulk"), ("talloc", "bulk")]
SPLIT_CELLS = [("malloc", "keep", "tuning=keep"), ("malloc", "fresh", "-"), ("mimalloc", "keep", "tuning=keep"), ("mimalloc", "fresh", "-"),
               ("malloc", "each", "tuning=keep"), ("arena-safe", "reuse", "-"), ("arena-safe", "reuse", "fault=off"),
               ("arena-safe", "reuse", "fault=release"), ("arena-safe", "reuse", "fault=release,prezero=chunk")]
OPTION_COST = {"fault=off": -2.5, "fault=release": 1.7, "fault=release,prezero=chunk": 4.4}
SPEED = {"malloc": 18.0, "mimalloc": 9.0, "arena-safe": 11.0, "arena-go": 21.0, "arena-kept": 5.2, "bump": 4.1, "jemalloc": 12.0,
         "tcmalloc": 10.0, "gcheap": 16.0, "bdwgc": 30.0, "mimalloc-heap": 7.0, "obstack": 5.5, "apr": 6.0, "talloc": 24.0}
ARM_COST = {"each": 0.0, "keep": -5.0, "fresh": 4.0, "reuse": 0.0, "bulk": 0.0, "collect": 0.0}
MEMORY = {"malloc": 1.25, "mimalloc": 1.4, "arena-safe": 2.9, "arena-go": 2.6, "arena-kept": 1.15, "bump": 1.02}
SCENARIOS = {"json_dom": (1.0, 24e6, 41000), "binary_trees": (1.6, 96e6, 131071), "request_server": (0.8, 6e6, 900)}
FULL_SCENARIOS = {"ast_compile": (1.2, 40e6, 50000), "hash_join": (2.2, 64e6, 9000), "frame_loop": (0.7, 3e6, 300),
                  "string_build": (1.1, 12e6, 2000), "graph_walk": (3.1, 80e6, 77000)}
STEP_NS = 10
CALLS = ["alloc", "refill", "free", "release", "request"]
QUANTILES = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999)]
PHASES = ["setup", "alloc", "use", "release", "idle"]
EVENTS = [("page-faults", "count"), ("context-switches", "count"), ("task-clock", "ns")]
HARDWARE = ["cycles", "instructions", "dtlb-load-misses"]


def decimal(value):
    return format(round(value, 6), "f").rstrip("0").rstrip(".") if value != int(value) else str(int(value))


def buckets(rng, median_ns, calls):
    """A skewed latency histogram with log-linear buckets, as the worker's."""
    count = {}
    for _ in range(4000):
        value = max(STEP_NS, int(rng.lognormvariate(math.log(median_ns), 0.45) * (20 if rng.random() < 0.004 else 1)))
        shift = max(0, value.bit_length() - 7)
        low = (value >> shift) << shift
        count[(low, low + (1 << shift) - 1)] = count.get((low, low + (1 << shift) - 1), 0) + 1
    scale = max(1, calls // 4000)
    return [(low, high, n * scale) for (low, high), n in sorted(count.items())]


def percentile(rows, p):
    total = sum(n for _, _, n in rows)
    rank, seen = math.ceil(p * total - 1e-9), 0
    for low, high, n in rows:
        seen += n
        if seen >= rank:
            return (low + high) / 2
    raise AssertionError("rank beyond the histogram")


class Run:
    def __init__(self, args):
        self.args = args
        self.rng = random.Random(args.seed)
        self.rows, self.series, self.hist, self.processes, self.order = [], [], [], [], []
        self.scenarios = dict(SCENARIOS, **(FULL_SCENARIOS if args.full else {}))
        self.cells = []
        more = SPLIT_CELLS if args.splits else []
        for scenario in self.scenarios:
            for backend, arm, options in [(b, a, "-") for b, a in (FULL_BACKENDS if args.full else QUICK_BACKENDS)] + more:
                for pages in ("4k", "huge"):
                    for threads in (1, 2) if args.full and scenario == "json_dom" else (1,):
                        self.cells.append({"index": len(self.cells), "scenario": scenario, "backend": backend, "arm": arm,
                                           "threads": threads, "pages": pages, "options": options, "scale": 1.0,
                                           "ops_per_block": 20000, "cycles_per_block": 1, "blocks": 8})
        if args.splits:
            self.scenarios["empty"] = (0.1, 8e6, 1000)
            self.cells.append({"index": len(self.cells), "scenario": "empty", "backend": "bump", "arm": "bulk", "threads": 1,
                               "pages": "huge", "options": "-", "scale": 1.0, "ops_per_block": 20000, "cycles_per_block": 1, "blocks": 8})

        if args.open:
            self.scenarios["request_open"] = SCENARIOS["request_server"]
            self.cells += [{"index": len(self.cells) + i, "scenario": "request_open", "backend": backend, "arm": arm, "threads": 1,
                            "pages": pages, "options": "rate=20000", "scale": 1.0, "ops_per_block": 20000, "cycles_per_block": 1,
                            "blocks": 8}
                           for i, (backend, arm, pages) in enumerate((b, a, p) for b, a in QUICK_BACKENDS for p in ("4k", "huge"))]

    def row(self, pass_, cell, rep, order, phase, metric, unit, value, reason="-"):
        text = "null" if value is None else value if isinstance(value, str) else decimal(value)
        self.rows.append("\t".join([pass_, "-", cell["scenario"], cell["backend"], cell["arm"], str(cell["threads"]),
                                    cell["pages"], cell["options"], str(rep), str(order), phase, metric, unit, text, reason]))

    def speed(self, cell):
        base = SPEED[cell["backend"]] * self.scenarios[cell["scenario"]][0] + ARM_COST[cell["arm"]] + OPTION_COST.get(cell["options"], 0)
        if cell["scenario"] == "request_server" and cell["backend"] == "arena-safe":
            base *= 1.9  # malloc wins here
        if cell["scenario"] == "binary_trees" and cell["backend"] == "arena-go":
            base = SPEED["malloc"] * 1.6  # no difference
        return base * (0.8 if cell["pages"] == "huge" else 1.0)

    def time(self, cell, rep, order):
        best = self.speed(cell) * self.rng.uniform(0.97, 1.04)
        self.row("time", cell, rep, order, "all", "time", "ns/op", best)
        self.row("time", cell, rep, order, "all", "time_typical", "ns/op", best * self.rng.uniform(1.05, 1.3))
        self.row("time", cell, rep, order, "all", "faults_minor", "count",
                 int(self.faults(cell) * self.rng.uniform(1.0, 1.02)))
        self.row("time", cell, rep, order, "all", "faults_major", "count", 0)
        self.row("time", cell, rep, order, "all", "switches_involuntary", "count", self.rng.randrange(4))
        self.row("time", cell, rep, order, "all", "checksum", "hex", "%016d" % (1000 + len(cell["scenario"])))

    def faults(self, cell):
        live = self.scenarios[cell["scenario"]][1]
        return live / (4096 if cell["pages"] == "4k" else 262144) * (1 if cell["arm"] in ("reuse", "bulk") else 3)

    def latency(self, cell, rep, order):
        for call in CALLS:
            if (call == "refill" and not cell["backend"].startswith("arena-")) or (cell["scenario"] == "request_open" and call != "request"):
                for name, _ in QUANTILES:
                    self.row("latency", cell, rep, order, call, f"latency_{call}_{name}", "ns", None, "no calls")
                continue
            median = {"alloc": self.speed(cell) * 1.3, "free": self.speed(cell), "refill": 3000, "release": 9000,
                      "request": self.speed(cell) * self.scenarios[cell["scenario"]][2]}[call]
            calls = 4000 if call in ("request", "release", "refill") else 400000
            rows = buckets(self.rng, median, calls)
            self.hist += ["%d\t%d\t%s\t%s\t%d\t%d\t%d" % (cell["index"], rep, "all", call, low, high, n) for low, high, n in rows]
            total = sum(n for _, _, n in rows)
            for name, p in QUANTILES:
                enough = total >= 10 / (1 - p) - 1e-6
                self.row("latency", cell, rep, order, call, f"latency_{call}_{name}", "ns",
                         percentile(rows, p) if enough else None, "-" if enough else "too few calls")
            self.row("latency", cell, rep, order, call, f"latency_{call}_max", "ns", rows[-1][1])
        self.row("latency", cell, rep, order, "all", "clock_step", "ns", STEP_NS)
        self.row("latency", cell, rep, order, "all", "clock_cost", "ns", 17.5)

    def counters(self, cell, rep, order):
        for phase in PHASES:
            for name, unit in EVENTS:
                self.row("counters", cell, rep, order, phase, name, unit, self.rng.randrange(10, 5000))
            for name in HARDWARE:
                for scope in ("_user", "_kernel"):
                    if cell["scenario"] != "json_dom":
                        self.row("counters", cell, rep, order, phase, name + scope, "count", None, "no PMU (virtualised)")
                    elif name == "dtlb-load-misses":
                        self.row("counters", cell, rep, order, phase, name + scope, "count", None, "never scheduled")
                    else:
                        self.row("counters", cell, rep, order, phase, name + scope, "count", self.rng.randrange(10**6, 10**8))
                        self.row("counters", cell, rep, order, phase, name + scope + "_running", "ratio",
                                 0.61 if name == "cycles" else 1)

    def memory(self, cell, rep, order):
        live = self.scenarios[cell["scenario"]][1]
        factor = MEMORY.get(cell["backend"], 1.5)
        rss = 0.0
        for step in range(200):
            now = live * min(1.0, (step % 50 + 1) / 40) if step < 190 else 0
            rss = max(rss * (0.9 if cell["backend"] == "malloc" else 1.0), now * factor)
            self.series.append("%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d" % (
                cell["index"], rep, step, step * 800, step * 150000, now, rss + 1.5e6, rss))
        for i, phase in enumerate(PHASES):
            self.row("memory", cell, rep, order, phase, "rss_peak_bytes", "bytes", int(rss * (1 + 0.01 * (i == 2))))
            self.row("memory", cell, rep, order, phase, "rss_bytes", "bytes", int(rss * (1 - 0.1 * i)))
            self.row("memory", cell, rep, order, phase, "live_bytes", "bytes", int(live if phase in ("alloc", "use") else 0))
            self.row("memory", cell, rep, order, phase, "anon_huge_bytes", "bytes",
                     int(rss * 0.8) if cell["pages"] == "huge" else 0)
        self.row("memory", cell, rep, order, "all", "rss_anon_bytes", "bytes", int(rss))
        self.row("memory", cell, rep, order, "all", "drag", "ratio", factor * 1.07)
        if cell["backend"].startswith("arena-"):
            self.row("memory", cell, rep, order, "release", "ua_quarantine_bytes", "bytes", 8 << 20)

    def measure(self):
        reps = {"time": 7 if self.args.full else 6, "latency": 3 if self.args.full else 1, "counters": 1, "memory": 1}
        for rep in range(max(reps.values())):
            steps = [(c, p) for c in self.cells for p in reps
                     if rep < reps[p] and (c["scenario"] != "request_open" or p == "latency")]
            self.rng.shuffle(steps)
            self.order += [(c, p, rep) for c, p in steps]
        stop = len(self.order) // 2 if self.args.interrupted else len(self.order)
        for order, (cell, pass_, rep) in enumerate(self.order[:stop]):
            few = cell["scenario"] == "json_dom" and cell["backend"] == "bump" and cell["pages"] == "huge"
            if few and pass_ == "time" and rep >= 4:
                continue
            getattr(self, pass_)(cell, rep, order)
            self.processes.append({"order": order, "cell": cell["index"], "pass": pass_, "rep": rep, "pu": 0, "exit": 0,
                                   "signal": None, "migrated": order == 5})
        for scenario in self.scenarios:
            for backend in ("arena-safe", "arena-go"):
                if scenario in ("empty", "request_open") or any(c["backend"] == backend and c["arm"] == "reuse" for c in self.cells):
                    continue
                for pages in ("4k", "huge"):
                    cell = {"scenario": scenario, "backend": backend, "arm": "reuse", "threads": 1, "pages": pages, "options": "-"}
                    for pass_, metric, unit in (("time", "time", "ns/op"), ("time", "time_typical", "ns/op"),
                                                ("latency", "latency_request_p99", "ns"), ("memory", "rss_peak_bytes", "bytes")):
                        self.row(pass_, cell, 0, "-", "all", metric, unit, None, "needs the collector")

    def write(self):
        out = self.args.out
        os.makedirs(out)
        with open(f"{out}/samples.tsv", "w") as file:
            file.write("pass\tside\tscenario\tbackend\tarm\tthreads\tpages\toptions\trep\torder\tphase\tmetric\tunit\tvalue\treason\n")
            file.write("\n".join(self.rows) + "\n")
        if not self.args.interrupted:
            self.pack("series.tsv", "cell\trep\tstep\twork_ops\ttime_ns\tlive_bytes\trss_bytes\trss_anon_bytes", self.series)
            self.pack("hist.tsv", "cell\trep\tphase\tcall\tlow_ns\thigh_ns\tcount", self.hist)
        attestation = {"cpu_model": {"value": "Synthetic & <b>Sons</b> 9000 \"quoted\"", "reason": None, "verdict": "ok", "advice": ""},
                       "governor": {"value": None, "reason": "no cpufreq (virtualised)", "verdict": "note",
                                    "advice": "pin the frequency where you can"},
                       "kernel": {"value": "6.1.0", "reason": None, "verdict": "ok", "advice": ""},
                       "pmu": {"value": None, "reason": "no PMU (virtualised)", "verdict": "note", "advice": ""}}
        run = {"schema": 1, "id": "20260102T030405Z-" + ("full" if self.args.full else "quick"), "verb": "quick",
               "profile": "full" if self.args.full else "quick", "seed": self.args.seed, "argv": ["quick", "--seed", "<script>"],
               "started": "2026-01-02T03:04:05Z", "ended": "2026-01-02T03:06:25Z", "exit": 130 if self.args.interrupted else 0,
               "versions": {"arenabench": "0.1.0", "glibc": "2.36"}, "attestation": attestation,
               "zeroed": ["request_server"],
               "plan": {"cells": self.cells, "order": [{"cell": c["index"], "pass": p, "rep": r, "event_group": 0} for c, p, r in self.order]}, "plan_sha256": "0" * 64,
               "allocation_checksum": {s: "0123456789abcdef" for s in self.scenarios}, "processes": self.processes}
        with open(f"{out}/run.json", "w") as file:
            json.dump(run, file)

    def journal(self):
        """One line a process, as the driver appends them, made from the rows; the last line is torn."""
        head = {"pass": 0, "scenario": 2, "backend": 3, "arm": 4, "pages": 6, "options": 7}
        lines = []
        for process in self.processes:
            rows = [r.split("\t") for r in self.rows if r.split("\t")[9] == str(process["order"])]
            metrics = [{"phase": r[10], "metric": r[11], "unit": r[12], "value": None if r[13] == "null" else float(r[13]),
                        "reason": r[14] if r[13] == "null" else None} for r in rows if r[12] != "hex"]
            observation = {key: rows[0][column] for key, column in head.items()}
            observation.update(protocol=1, threads=1, rep=process["rep"], order=process["order"], metrics=metrics,
                               checksum=next((r[13] for r in rows if r[12] == "hex"), ""))
            observation["series"] = [[int(float(v)) for v in line.split("\t")[2:]] for line in self.series
                                     if process["pass"] == "memory" and line.startswith("%d\t" % process["cell"])]
            lines.append(json.dumps(dict(process, observation=observation)))
        os.remove(f"{self.args.out}/samples.tsv")
        os.rename(f"{self.args.out}/run.json", f"{self.args.out}/plan.json")
        with open(f"{self.args.out}/observations.jsonl", "w") as file:
            file.write("\n".join(lines) + "\n" + lines[0][:200])

    def pack(self, name, header, lines):
        text = (header + "\n" + "\n".join(lines) + "\n").encode()
        library = ctypes.CDLL("libzstd.so.1")
        library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
        library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
        library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
        packed = ctypes.create_string_buffer(library.ZSTD_compressBound(len(text)))
        used = library.ZSTD_compress(packed, len(packed), text, len(text), 3)
        with open(f"{self.args.out}/{name}.zst", "wb") as file:
            file.write(packed.raw[:used])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interrupted", action="store_true")
    parser.add_argument("--journal", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--splits", action="store_true")
    parser.add_argument("--open", action="store_true")
    args = parser.parse_args()
    args.interrupted |= args.journal
    run = Run(args)
    run.measure()
    run.write()
    if args.journal:
        run.journal()


main()
