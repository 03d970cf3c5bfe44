"""A short real run: all backends of this build do the same work, every process gave its observation, every metric is in the dictionary,
and run.json fits its schema. No figure is judged here.

usage: test_real.py ARENABENCH FAKE_WORKER (of which only the first is used)
"""
import fnmatch
import os
import re
import sys
import time

import support
import test_run

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "..", "..", "results")


def dictionary():
    """(pass, metric glob, unit glob) of the metrics table."""
    entries = []
    with open(os.path.join(RESULTS, "README.md"), encoding="utf-8") as file:
        text = file.read().split("## samples.tsv: metrics")[1].split("\n## ")[0]
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch("time|latency|counters|memory|counts", cells[0]):
            entries += [(cells[0], metric, cells[2]) for metric in re.findall(r"`([^`]+)`", cells[1])]
    assert len(entries) > 40, "the table was not found"
    return entries


def test_a_real_run_is_whole_and_described(bench):
    workers = os.path.dirname(support.ARENABENCH)
    names = [name for name in ("malloc", "arena", "bump") if os.path.exists(os.path.join(workers, "worker-" + name))]
    if "bump" not in names or "malloc" not in names:
        raise support.Skip("worker-malloc and worker-bump are not built")
    done = bench.run("quick", "--out", bench.path("run"), "--scenario", "binary_trees", "--pages", "huge", "--reps", "1", "--scale", "0.1")
    assert done.returncode == 0, done.err
    run = bench.json("run.json")
    support.assert_whole(bench, len(run["plan"]["order"]))
    backends = {cell["backend"] for cell in run["plan"]["cells"]}
    assert {"malloc", "bump"} <= backends and ("arena" not in names or "arena-kept" in backends), backends
    sums = {row["value"] for row in bench.samples() if row["metric"] == "checksum"}
    assert len(sums) == 1 and sums == set(run["checksum"]["binary_trees"].values()), sums
    entries = dictionary()
    unknown = {(row["pass"], row["metric"], row["unit"]) for row in bench.samples()
               if not any(row["pass"] == where and fnmatch.fnmatch(row["metric"], metric) and fnmatch.fnmatch(row["unit"], unit)
                          for where, metric, unit in entries)}
    assert not unknown, unknown
    assert all((row["value"] == "null") == (row["reason"] != "-") for row in bench.samples())
    test_run.check_schema_file(run)


def test_a_counters_pass_of_fewer_cycles_is_taken(bench):
    """The floor's blocks have more cycles than pass counters takes; quick holds this cell, so it has to end well."""
    if not os.path.exists(os.path.join(os.path.dirname(support.ARENABENCH), "worker-bump")):
        raise support.Skip("worker-bump is not built")
    done = bench.run("quick", "--out", bench.path("run"), "--scenario", "empty", "--reps", "1", "--scale", "0.1")
    assert done.returncode == 0, done.err
    run = bench.json("run.json")
    support.assert_whole(bench, len(run["plan"]["order"]))
    assert max(cell["cycles_per_block"] for cell in run["plan"]["cells"]) > 3
    assert any(row["pass"] == "counters" for row in bench.samples())


def test_the_dictionary_can_refuse(bench):
    entries = dictionary()
    assert not any(where == "time" and fnmatch.fnmatch("time_best", metric) for where, metric, _ in entries)


def test_resume_takes_a_real_run_up(bench):
    """Kills the driver in the middle of a real run; every process of the plan is there in the end, and the sums still agree."""
    if not os.path.exists(os.path.join(os.path.dirname(support.ARENABENCH), "worker-bump")):
        raise support.Skip("worker-bump is not built")
    words = ("quick", "--out", bench.path("run"), "--scenario", "binary_trees", "--backend", "bump", "--reps", "3", "--scale", "0.1")
    process = bench.start(*words)
    path = bench.path("run", "observations.jsonl")
    while process.poll() is None and not (os.path.exists(path) and os.path.getsize(path) > 0):
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=60)
    if process.returncode == 0:
        raise support.Skip("the run ended before it could be killed")
    done = bench.resume()
    assert done.returncode == 0, done.err
    support.assert_whole(bench, len(bench.json("run.json")["plan"]["order"]))


if __name__ == "__main__":
    support.main(dict(globals()))
    sys.exit(0)
