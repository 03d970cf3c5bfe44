"""A whole run against fake workers: one process an observation, interleaved and seeded order, complete files, failures told."""
import json
import os
import re
import subprocess
import sys

import support
from support import FEW, FEW_PROCESSES, assert_whole, one_line, title


def test_every_cell_has_all_its_observations(bench):
    done = bench.quick()
    assert done.returncode == 0, done.err
    run = bench.json("run.json")
    cells, order = run["plan"]["cells"], run["plan"]["order"]
    # 2 scenarios of quick x (malloc each, mimalloc each if here, arena-safe fresh, arena-kept reuse, bump bulk) x 2 page modes
    assert len(cells) in (16, 20), [title(cell) for cell in cells]
    groups = max(step["event_group"] for step in order) + 1
    assert_whole(bench, len(cells) * (6 + 1 + groups + 1))
    for cell in cells:
        for name, reps in (("time", 6), ("latency", 1), ("counters", groups), ("memory", 1)):
            found = sorted(step["rep"] for step in order if step["cell"] == cell["index"] and step["pass"] == name)
            assert found == list(range(reps)), (title(cell), name, found)
    log = bench.log()
    assert len({row["pid"] for row in log}) == len(log) == len(order), "one fresh process each"
    assert [int(row["order"]) for row in log] == list(range(len(order))), "started in the order of the plan"
    for row, step in zip(log, order, strict=True):
        assert (row["cell"], row["pass"], row["rep"]) == (title(cells[step["cell"]]), step["pass"], str(step["rep"]))


def test_order_is_interleaved_and_seeded(bench):
    assert bench.quick(*FEW, out="a").returncode == 0
    assert bench.quick(*FEW, out="b").returncode == 0
    assert bench.quick(*FEW, "--seed", "2", out="c").returncode == 0
    a, b, c = (bench.json("run.json", out) for out in "abc")
    assert a["plan"] == b["plan"] and a["plan_sha256"] == b["plan_sha256"]
    assert a["plan"]["order"] != c["plan"]["order"] and a["plan_sha256"] != c["plan_sha256"]
    assert a["plan"]["cells"] == c["plan"]["cells"]
    assert a["allocation_checksum"] == b["allocation_checksum"] != c["allocation_checksum"]
    reps = [step["rep"] for step in a["plan"]["order"]]
    assert reps == sorted(reps), "every cell gets its rep r before any gets r + 1"


def test_a_share_of_the_cells_runs_twice(bench):
    assert bench.quick(*FEW, "--aa", "50").returncode == 0
    run = assert_whole(bench, FEW_PROCESSES + 2 * 2)
    again = [cell for cell in run["plan"]["cells"] if cell.get("side") == "head"]
    assert len(again) == 2 and len(run["plan"]["cells"]) == 6
    second = [row for row in bench.samples() if row["side"] == "head"]
    assert {(row["pass"], row["phase"]) for row in second} == {("time", "all")}
    assert len([row for row in second if row["metric"] == "time"]) == 4
    assert len(bench.json("gbench.json")["benchmarks"]) == 8, "A' is none of A's repetitions"
    done = bench.quick("--aa", "101", out="bad")
    assert done.returncode == 5
    one_line(done.err, "--aa 101")


def test_curves_raw_and_gbench(bench):
    assert bench.quick(*FEW).returncode == 0
    run = assert_whole(bench, FEW_PROCESSES)
    series, hist = bench.tsv_zst("series.tsv.zst"), bench.tsv_zst("hist.tsv.zst")
    assert series[0] == "cell rep step work_ops time_ns live_bytes rss_bytes rss_anon_bytes".split()
    assert hist[0] == "cell rep phase call low_ns high_ns count".split()
    assert len(series) == 1 + 4 * 2 and len(hist) == 1 + 4 * 2
    assert series[1] == ["0", "0", "0", "10", "1000", "64", "4096", "4096"], series[1]
    assert hist[2] == ["0", "0", "alloc", "alloc", "20", "40", "1"], hist[2]
    raw = subprocess.run(["zstd", "-dc", bench.path("run", "raw", "c0003.jsonl.zst")], check=True, capture_output=True, text=True).stdout
    assert len(raw.splitlines()) == 5 and all('"observation":{' in line for line in raw.splitlines())
    gbench = bench.json("gbench.json")
    assert [row["run_type"] for row in gbench["benchmarks"]] == ["iteration"] * 8
    assert {row["name"] for row in gbench["benchmarks"]} == {title(cell) for cell in run["plan"]["cells"]}
    assert {row["repetitions"] for row in gbench["benchmarks"]} == {2}


def test_google_compare_reads_gbench(bench):
    compare = "/usr/share/benchmark/compare.py"
    python = "/usr/bin/python3"
    if not os.path.exists(compare) or subprocess.run([python, "-c", "import scipy"], capture_output=True).returncode != 0:
        raise support.Skip("libbenchmark-tools or python3-scipy is not installed")
    for out in "ab":
        assert bench.quick(*FEW[:4], "--reps", "9", out=out).returncode == 0
    done = subprocess.run([python, compare, "benchmarks", bench.path("a", "gbench.json"), bench.path("b", "gbench.json")],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"binary_trees/malloc/each/1/4k_pvalue\s.*U Test, Repetitions: 9 vs 9", done.stdout), done.stdout


def test_absent_arms_and_missing_counters_are_null_with_reason(bench):
    assert bench.quick("--scenario", "binary_trees", "--backend", "arena-safe", "--reps", "1").returncode == 0
    rows = bench.samples()
    absent = [row for row in rows if row["arm"] == "reuse"]
    assert {row["pass"] for row in absent} == {"time", "latency", "counters", "memory"}
    assert {(row["value"], row["reason"], row["order"]) for row in absent} == {("null", "needs the collector", "-")}
    assert {row["arm"] for row in rows} == {"reuse", "fresh"}
    nulls = [row for row in rows if row["value"] == "null"]
    assert all(row["reason"] != "-" for row in nulls) and all(row["reason"] == "-" for row in rows if row["value"] != "null")
    missing = bench.json("run.json")["counters"]["missing"]
    for event in missing:
        found = [row for row in nulls if row["metric"] == event["name"] and row["pass"] == "counters"]
        assert {row["reason"] for row in found} == {event["reason"]} and len(found) == 2, event
    assert any(row["metric"] == "task-clock" and row["reason"] == "never scheduled" for row in nulls)


def test_checksum_row_of_each_time_process(bench):
    assert bench.quick(*FEW).returncode == 0
    rows = [row for row in bench.samples() if row["metric"] == "checksum"]
    assert len(rows) == 8 and {row["pass"] for row in rows} == {"time"} and {row["unit"] for row in rows} == {"hex"}
    sums = bench.json("run.json")["checksum"]["binary_trees"]
    assert {row["value"] for row in rows} == set(sums.values())


def test_environment_of_the_workers(bench):
    assert bench.quick("--scenario", "binary_trees", "--backend", "malloc", "--arm", "each,keep", "--reps", "1").returncode == 0
    by_cell = {row["cell"]: row for row in bench.log()}
    assert by_cell["binary_trees/malloc/each/1/4k"]["tunables"] == "-"
    assert by_cell["binary_trees/malloc/each/1/huge"]["tunables"] == "glibc.malloc.hugetlb=1"
    keep = by_cell["binary_trees/malloc/keep/1/4k/tuning=keep"]["tunables"]
    assert "trim_threshold" in keep and "mmap_threshold" in keep and "top_pad" in keep
    assert {row["preload"] for row in by_cell.values()} == {"-"}


def test_a_process_that_moved_is_marked(bench):
    assert bench.quick(*FEW, HX_FAKE="moved:0:*malloc/each/1/4k:time:1").returncode == 0
    run = bench.json("run.json")
    marked = [process for process in run["processes"] if process["migrated"]]
    assert [(process["pass"], process["rep"], title(run["plan"]["cells"][process["cell"]])) for process in marked] == [
        ("time", 1, "binary_trees/malloc/each/1/4k")]


def test_two_threads_get_two_processors(bench):
    allowed = sorted(os.sched_getaffinity(0))
    done = bench.quick("--scenario", "binary_trees", "--backend", "bump", "--threads", "1,2", "--reps", "1")
    if len(allowed) < 2:
        assert done.returncode == 5 and "only 1 processors" in done.err, done.err
        raise support.Skip("one processor only")
    assert done.returncode == 0, done.err
    assert {(row["cell"].split("/")[3], row["pus"]) for row in bench.log()} == {("1", "1"), ("2", "2")}
    assert len(set(bench.json("run.json")["pus"])) == 2
    assert bench.quick("--scenario", "binary_trees", "--backend", "bump", "--cpus", str(allowed[-1]), "--reps", "1", out="one").returncode == 0
    assert bench.json("run.json", "one")["pus"] == [allowed[-1]]


def test_named_events(bench):
    """An event that does not exist costs its own row, not the run."""
    done = bench.quick("--scenario", "binary_trees", "--backend", "bump", "--reps", "1", "--events", "PAGE-FAULTS,NO_SUCH_EVENT")
    assert done.returncode == 0, done.err
    rows = [row for row in bench.samples() if "no_such_event" in row["metric"].lower()]
    assert rows and {(row["value"], row["reason"]) for row in rows} == {("null", "unknown event")}, rows
    assert any("page-faults" in row["events"] for row in bench.log() if row["pass"] == "counters")


def test_full_takes_all_arms_and_scenarios(bench):
    done = bench.run("full", "--workers", bench.workers, "--out", bench.path("run"), "--backend", "malloc,bump", "--scenario", "binary_trees,extra",
                     "--pages", "4k")
    assert done.returncode == 0, done.err
    run = bench.json("run.json")
    assert run["profile"] == "full" and run["verb"] == "full"
    assert [title(cell) for cell in run["plan"]["cells"]] == [
        f"{scenario}/{cell}" for scenario in ("binary_trees", "extra")
        for cell in ("malloc/each/1/4k", "malloc/each/1/4k/tuning=keep", "malloc/keep/1/4k/tuning=keep", "malloc/fresh/1/4k", "bump/bulk/1/4k")]
    times = [step for step in run["plan"]["order"] if step["cell"] == 0 and step["pass"] == "time"]
    latencies = [step for step in run["plan"]["order"] if step["cell"] == 0 and step["pass"] == "latency"]
    assert len(times) == 7 and len(latencies) == 3


def test_default_directory_and_latest(bench):
    os.makedirs(bench.path("results", "runs"))
    assert bench.run("--workers", bench.workers, *FEW).returncode == 0
    names = sorted(os.listdir(bench.path("results", "runs")))
    assert len(names) == 2 and names[1] == "latest" and re.fullmatch(r"\d{8}T\d{6}Z-quick", names[0]), names
    assert os.readlink(bench.path("results", "runs", "latest")) == names[0]
    assert bench.json("run.json", os.path.join("results", "runs", "latest"))["id"] == names[0]


def fails_naming(bench, rule, *parts):
    done = bench.quick(*FEW, HX_FAKE=rule)
    assert done.returncode == 5, (done.returncode, done.err)
    lines = [line for line in done.err.splitlines() if "malloc/each/1/4k" in line and not line.startswith("[")]
    assert len(lines) == 1, done.err
    for part in parts:
        assert part in lines[0], (part, lines[0])
    run = bench.json("run.json")
    assert run["exit"] == 5
    return run


def test_crash_is_named_and_the_rest_goes_on(bench):
    run = fails_naming(bench, "signal:11:*malloc/each/1/4k:time:1", "binary_trees/malloc/each/1/4k", "time pass 1", "SIGSEGV")
    failed = [process for process in run["processes"] if process["signal"] is not None]
    assert len(failed) == 1 and failed[0]["signal"] == 11 and failed[0]["exit"] is None and not run["complete"]
    assert len(run["processes"]) == FEW_PROCESSES
    times = [row for row in bench.samples() if row["pass"] == "time" and row["metric"] == "time"]
    assert len(times) == 7, "all others are there"
    # And it can be tried again.
    again = bench.resume()
    assert again.returncode == 0, again.err
    assert_whole(bench, FEW_PROCESSES)
    assert len(bench.log()) == FEW_PROCESSES + 1


def test_worker_exit_code_and_its_words(bench):
    run = fails_naming(bench, "exit:5:*malloc/each/1/4k:memory:0", "exit 5", "fake: told to fail")
    assert [process["exit"] for process in run["processes"] if process["exit"] != 0] == [5]


def test_silence_is_a_failure(bench):
    fails_naming(bench, "silent:0:*malloc/each/1/4k:latency:0", "no observation")


def test_nonsense_is_a_failure(bench):
    fails_naming(bench, "garbage:0:*malloc/each/1/4k:time:0", "malformed JSON")


def test_answer_to_another_request_is_a_failure(bench):
    fails_naming(bench, "other:0:*malloc/each/1/4k:time:0", "answers another request")


def test_other_amount_of_work_is_a_failure(bench):
    fails_naming(bench, "ops:0:*malloc/each/1/4k:time:0", "2001 operations", "2000")


def test_unequal_checksums_fail_the_run_naming_both(bench):
    run = fails_naming(bench, "sum:0:*malloc/each/1/4k:time:1", "unequal contents", "binary_trees/bump/bulk/1/4k")
    assert run["complete"], "the evidence is kept"


def check_schema(schema, value, where):
    """The part of JSON Schema that run.schema.json uses; a keyword it does not know is an error of its own."""
    known = {"$schema", "$id", "title", "description", "type", "required", "properties", "items", "enum", "pattern", "minimum", "minItems",
             "additionalProperties", "const", "$defs", "$ref"}
    assert set(schema) <= known, (where, set(schema) - known)
    if "$ref" in schema:
        return check_schema(ROOT["$defs"][schema["$ref"].rsplit("/", 1)[1]], value, where)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        good = any(isinstance(value, kinds[kind]) and not (isinstance(value, bool) and kind in ("integer", "number")) for kind in types)
        assert good, (where, value, types)
    assert "enum" not in schema or value in schema["enum"], (where, value)
    assert "const" not in schema or value == schema["const"], (where, value)
    if isinstance(value, str) and "pattern" in schema:
        assert re.search(schema["pattern"], value), (where, value)
    if isinstance(value, (int, float)) and "minimum" in schema:
        assert value >= schema["minimum"], (where, value)
    if isinstance(value, dict):
        for name in schema.get("required", ()):
            assert name in value, (where, name, "is missing")
        for name, member in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
            assert inner is not False, (where, name, "is not in the schema")
            if inner is not True:
                check_schema(inner, member, f"{where}.{name}")
    if isinstance(value, list):
        assert len(value) >= schema.get("minItems", 0), (where, "too short")
        for index, item in enumerate(value):
            check_schema(schema.get("items", {}), item, f"{where}[{index}]")
    return None


ROOT = {}


def check_schema_file(run):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "results", "schema", "run.schema.json")
    with open(path, encoding="utf-8") as file:
        ROOT.update(json.load(file))
    check_schema(ROOT, run, "run")


def test_run_json_fits_its_schema(bench):
    assert bench.quick("--scenario", "binary_trees,json_dom", "--backend", "malloc,arena-safe", "--reps", "1").returncode == 0
    run = bench.json("run.json")
    check_schema_file(run)
    # A schema that accepts everything proves nothing.
    for spoil in (lambda r: r.pop("plan_sha256"), lambda r: r["plan"]["cells"][0].pop("arm"), lambda r: r.update(exit="0"),
                  lambda r: r["processes"][0].update({"pass": "other"}), lambda r: r.update(seed=-1), lambda r: r["plan"].pop("order")):
        spoilt = json.loads(json.dumps(run))
        spoil(spoilt)
        try:
            check_schema(ROOT, spoilt, "run")
        except AssertionError:
            continue
        raise AssertionError("a spoilt run.json passes the schema")
    crashed = bench.quick(*FEW, out="crashed", HX_FAKE="signal:11:*:time:1")
    assert crashed.returncode == 5
    check_schema(ROOT, bench.json("run.json", "crashed"), "crashed")


if __name__ == "__main__":
    support.main(dict(globals()))
    sys.exit(0)
