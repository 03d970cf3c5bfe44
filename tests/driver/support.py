"""Shared by the whole-program tests of the driver: a folder of fake workers, a run of arenabench, and the files it left.

Every test function named test_* of the calling script runs in a fresh temporary folder; the first failed assertion of each is
printed and the script exits 1. Exit 77 when a test says that it cannot run here.
"""
import json
import os
import subprocess
import sys
import tempfile
import traceback

ARENABENCH, FAKE = (os.path.abspath(path) for path in sys.argv[1:3])


class Skip(Exception):
    pass


class Bench:
    """arenabench with fake workers, in one temporary folder."""

    def __init__(self, folder, workers=("malloc", "arena", "bump")):
        self.folder = folder
        self.workers = os.path.join(folder, "workers")
        self.log_path = os.path.join(folder, "log")
        os.mkdir(self.workers)
        for name in workers:
            os.symlink(FAKE, os.path.join(self.workers, "worker-" + name))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def environment(self, **extra):
        environment = {"PATH": os.environ["PATH"], "HX_FAKE_LOG": self.log_path}
        environment.update(extra)
        return environment

    def start(self, *words, **extra):
        return subprocess.Popen([ARENABENCH, *words], cwd=self.folder, env=self.environment(**extra), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, **extra):
        process = self.start(*words, **extra)
        process.out, process.err = process.communicate(timeout=120)
        return process

    def quick(self, *words, out="run", **extra):
        return self.run("quick", "--workers", self.workers, "--out", self.path(out), *words, **extra)

    def resume(self, out="run", **extra):
        return self.run("--resume", self.path(out), **extra)

    def json(self, name, out="run"):
        with open(self.path(out, name), encoding="utf-8") as file:
            return json.load(file)

    def samples(self, out="run"):
        with open(self.path(out, "samples.tsv"), encoding="utf-8") as file:
            header, *lines = file.read().splitlines()
        return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]

    def log(self):
        """One dict a process that did not run the plan pass, in the order they were started."""
        names = ("order", "cell", "pass", "rep", "pid", "preload", "tunables", "pu", "pus", "events")
        with open(self.log_path, encoding="utf-8") as file:
            rows = [dict(zip(names, line.rstrip("\n").split("\t"), strict=True)) for line in file]
        return [row for row in rows if row["pass"] != "plan"]

    def tsv_zst(self, name, out="run"):
        text = subprocess.run(["zstd", "-dc", self.path(out, name)], check=True, capture_output=True, text=True).stdout
        return [line.split("\t") for line in text.splitlines()]


# A filter of four cells: two backends, two page modes, one scenario. 4 x (2 + 1 + 1 + 1) = 20 processes.
FEW = ("--scenario", "binary_trees", "--backend", "malloc,bump", "--reps", "2")
FEW_PROCESSES = 20


def title(cell):
    words = [cell[name] for name in ("scenario", "backend", "arm")] + [str(cell["threads"]), cell["pages"]]
    return "/".join(words + ([cell["options"]] if cell["options"] != "-" else []))


def one_line(text, *parts):
    lines = text.splitlines()
    assert len(lines) == 1, f"want one line, got {lines}"
    for part in parts:
        assert part in lines[0], f"{part!r} is not in {lines[0]!r}"


def assert_whole(bench, processes, out="run"):
    """Every process of the plan has its rows, and the directory holds what the design lists and no journal."""
    run = bench.json("run.json", out)
    assert run["exit"] == 0 and run["complete"], run["exit"]
    order = run["plan"]["order"]
    assert len(order) == processes, len(order)
    rows = {(row["pass"], row["order"]) for row in bench.samples(out)}
    for index, step in enumerate(order):
        assert (step["pass"], str(index)) in rows, (index, step)
    names = set(os.listdir(bench.path(out)))
    assert names - {"gc.tsv.zst"} == {"run.json", "samples.tsv", "series.tsv.zst", "hist.tsv.zst", "gbench.json", "raw"}, names
    assert len(os.listdir(bench.path(out, "raw"))) == len(run["plan"]["cells"])
    return run


def main(tests):
    failed = skipped = 0
    chosen = [(name, test) for name, test in tests.items() if name.startswith("test_") and callable(test)]
    for name, test in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Bench(folder))
                print(f"ok {name}")
            except Skip as why:
                skipped += 1
                print(f"skipped {name}: {why}")
            except Exception:  # the frame of the failed assertion is what the reader needs
                failed += 1
                print(f"FAILED {name}")
                traceback.print_exc(file=sys.stdout)
    print(f"{len(chosen) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 77 if skipped == len(chosen) else 0)
