#!/usr/bin/python3
"""summary.json against values computed here from samples.tsv by other means (numpy, scipy): medians, order-statistic intervals,
paired Hodges-Lehmann ratios with exact signed-rank intervals, verdicts. Also its schema, with planted faults that must be found."""
import copy
import csv
import itertools
import math
import os

from report_test import REPO, Skip, check, load_json, main, make_run, run_report, schema_errors

try:
    import numpy
    from scipy import stats
except ImportError as missing:
    numpy, why = None, str(missing)


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def key_of(row):
    return (row["scenario"], row["backend"], row["arm"], int(row["threads"]), row["pages"], row["options"])


def interval(values):
    """Largest k whose 1 - 2 P(Bin(n, 1/2) < k) is at least 0.95: the k-th smallest and k-th largest value."""
    ordered = sorted(values)
    best = None
    for k in range(1, len(ordered) // 2 + 1):
        if 1 - 2 * stats.binom.cdf(k - 1, len(ordered), 0.5) >= 0.95:
            best = (ordered[k - 1], ordered[-k])
    return best


def paired(a, b):
    """Hodges-Lehmann of ln(a/b) and its interval by walking through all sign patterns (exact, by brute force)."""
    d = numpy.log(numpy.array(a) / numpy.array(b))
    walsh = sorted((x + y) / 2 for i, x in enumerate(d) for y in d[i:])
    n, ranks = len(d), range(1, len(d) + 1)
    sums = [sum(r for r, s in zip(ranks, signs) if s) for signs in itertools.product((0, 1), repeat=n)]
    c = 0
    while sum(s < c + 1 for s in sums) / 2 ** n <= 0.025:
        c += 1
    limits = (math.exp(walsh[c - 1]), math.exp(walsh[-c])) if c > 0 else None
    return math.exp(numpy.median(walsh)), limits


def near(found, wanted, what):
    check(found is not None and math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12), f"{what}: {found}, expected {wanted}")


def check_metrics(rows, summary):
    groups = {}
    for row in rows:
        if row["unit"] != "hex":
            groups.setdefault((key_of(row), row["metric"], row["phase"], row["pass"]), []).append(row)
    cells = {(c["scenario"], c["backend"], c["arm"], c["threads"], c["pages"], c["options"]): c for c in summary["cells"]}
    check(len(cells) == len({key_of(row) for row in rows}), "a cell of samples.tsv is missing from summary.json")
    for (key, metric, phase, pass_), members in groups.items():
        name = metric if phase == "all" or pass_ == "latency" else f"{metric}.{phase}"
        what = f"{key} {name}"
        found = cells[key]["metrics"].get(name)
        check(found is not None, f"{what}: missing")
        values = [float(row["value"]) for row in members if row["value"] != "null"]
        check(found["n"] == len(values), f"{what}: n is {found['n']}, expected {len(values)}")
        if not values:
            check(found["value"] is None and found["reason"] == members[0]["reason"], f"{what}: null reason is {found}")
            continue
        near(found["value"], float(numpy.median(values)), what)
        limits = interval(values) if len(values) > 1 else None
        if limits is None:
            check(found["low"] is None and found["high"] is None and found["reason"] == "too few repetitions", f"{what}: {found}")
        else:
            near(found["low"], limits[0], what + " low")
            near(found["high"], limits[1], what + " high")
            check(found["reason"] is None, f"{what}: a reason where nothing is missing")
    return len(groups)


def check_peaks(rows, summary):
    """The peak of the whole life is the largest of its phases, where no phase "all" is in the rows."""
    peak = {}
    for row in rows:
        if row["metric"] == "rss_peak_bytes" and row["value"] != "null":
            peak.setdefault(key_of(row), {}).setdefault(row["rep"], []).append(float(row["value"]))
    for cell in summary["cells"]:
        key = (cell["scenario"], cell["backend"], cell["arm"], cell["threads"], cell["pages"], cell["options"])
        if key in peak:
            near(cell["metrics"]["rss_peak_bytes"]["value"], float(numpy.median([max(v) for v in peak[key].values()])), f"{key} peak")


def check_comparisons(rows, summary):
    values = {}
    for row in rows:
        if row["value"] != "null" and row["unit"] != "hex":
            values.setdefault((key_of(row), row["metric"]), {})[int(row["rep"])] = float(row["value"])
    seen = {"faster": 0, "slower": 0, "no_difference": 0, None: 0}
    for c in summary["comparisons"]:
        a = values[((c["scenario"], c["a"], c["a_arm"], c["threads"], c["pages"], c["a_options"]), c["metric"])]
        b = values[((c["scenario"], c["b"], c["b_arm"], c["threads"], c["pages"], "-"), c["metric"])]
        reps = sorted(set(a) & set(b))
        what = f"{c['scenario']} {c['pages']} {c['metric']} {c['a']} {c['a_arm']} / {c['b']}"
        check(c["n"] == len(reps), f"{what}: n is {c['n']}, expected {len(reps)}")
        ratio, limits = paired([a[r] for r in reps], [b[r] for r in reps])
        near(c["ratio"], ratio, what)
        if limits is None:
            wanted = None
            check(c["low"] is None and c["reason"] == "too few repetitions", f"{what}: {c}")
        else:
            near(c["low"], limits[0], what + " low")
            near(c["high"], limits[1], what + " high")
            wanted = "faster" if limits[1] < 1 else "slower" if limits[0] > 1 else "no_difference"
        check(c["verdict"] == wanted, f"{what}: verdict {c['verdict']}, expected {wanted}")
        seen[wanted] += 1
    check(all(seen.values()), f"the synthetic run should show every verdict, got {seen}")
    times = {(c["scenario"], c["pages"], c["a"], c["b"]) for c in summary["comparisons"] if c["metric"] == "time"}
    for cell in summary["cells"]:
        if cell["metrics"]["time"]["value"] is not None and cell["backend"] not in ("malloc", "mimalloc"):
            for b in ("malloc", "mimalloc"):
                check((cell["scenario"], cell["pages"], cell["backend"], b) in times, f"{cell['backend']} not compared with {b}")


def check_schema(summary):
    schema = load_json(os.path.join(REPO, "results/schema/summary.schema.json"))
    errors = schema_errors(summary, schema, schema)
    check(not errors, f"summary.json does not match its schema: {errors[:3]}")
    def value_as_text(s): s["cells"][0]["metrics"]["time"]["value"] = "12.5"
    def unknown_verdict(s): s["comparisons"][0]["verdict"] = "better"
    def lost_reason(s): del s["cells"][0]["metrics"]["time"]["reason"]
    def extra_member(s): s["host"] = "x"
    def empty_note(s): s["notes"].append("")
    for plant in (value_as_text, unknown_verdict, lost_reason, extra_member, empty_note):
        broken = copy.deepcopy(summary)
        plant(broken)
        check(schema_errors(broken, schema, schema), f"the schema accepts {plant.__name__}")


def test(program, folder):
    if numpy is None:
        raise Skip(f"python3-scipy is not installed ({why})")
    for seed in ("1", "7"):
        out = make_run(f"{folder}/run{seed}", "--seed", seed)
        done = run_report(program, out, "--no-plots", "--json")
        check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
        summary, rows = load_json(f"{out}/summary.json"), read_rows(f"{out}/samples.tsv")
        check(done.stdout == open(f"{out}/summary.json", encoding="utf-8").read(), "--json does not print summary.json")
        check("What arenas buy here" in done.stderr, "--json: the table should be on stderr")
        count = check_metrics(rows, summary)
        check(count > 1000, f"only {count} figures were checked")
        check_peaks(rows, summary)
        check_comparisons(rows, summary)
        check_schema(summary)


main(test)
