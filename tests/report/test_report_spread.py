#!/usr/bin/python3
"""Run to run: a second run of the same plan is found beside the first or named, its spread stands beside each interval, and runs that
cannot be compared are refused by name. The figures are computed here again from samples.tsv."""
import csv
import json
import os
import re
import statistics

from report_test import check, load_json, load_text, main, make_run, run_report


def best_times(folder):
    values = {}
    with open(os.path.join(folder, "samples.tsv"), newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["metric"] == "time" and row["value"] != "null":
                values.setdefault((row["scenario"], row["pages"], row["backend"] + " " + row["arm"]), []).append(float(row["value"]))
    return {key: statistics.median(value) for key, value in values.items()}


def change(folder, **members):
    path = os.path.join(folder, "run.json")
    run = load_json(path)
    run.update(members)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(run, file)


def shown(folder):
    """(scenario, pages, label) -> text of the column "run to run" of summary.md."""
    found, scenario, pages, column = {}, None, None, None
    for line in load_text(os.path.join(folder, "summary.md")).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("## "):
            pages = {"4 KiB pages": "4k", "huge pages": "huge"}.get(line[3:])
        elif pages and "95 % interval" in line:
            scenario, column = cells[0], cells.index("run to run") if "run to run" in cells else None
        elif pages and column is not None and line.startswith("| ") and not line.startswith("| *") and len(cells) > column:
            found[(scenario, pages, cells[0])] = cells[column]
    return found


def test(program, folder):
    runs = os.path.join(folder, "runs")
    os.mkdir(runs)
    first, second, third = (make_run(os.path.join(runs, name), "--seed", seed) for name, seed in (("a", "1"), ("b", "2"), ("c", "3")))
    done = run_report(program, first, "--no-plots")
    check(done.returncode == 0, done.stderr)
    check("Run to run" not in done.stdout or load_json(first + "/run.json").get("plan_sha256"), "a spread without a comparable run")
    for path, started in ((first, "2026-01-01T00:00:00Z"), (second, "2026-01-01T01:00:00Z"), (third, "2026-01-01T02:00:00Z")):
        change(path, plan_sha256="ab" * 32, workers=[{"name": "worker-bump", "build_id": "00"}], started=started)
    change(third, plan_sha256="cd" * 32)

    done = run_report(program, first, "--no-plots")
    check(done.returncode == 0, done.stderr)
    check("Run to run, against " in done.stdout, "the run beside it was not found")
    mine, other, column = best_times(first), best_times(second), shown(first)
    check(len(column) >= 30, f"only {len(column)} rows have the column")
    for key, text in column.items():
        wanted = f"{100 * (mine[key] / other[key] - 1):+.1f} %" if key in mine and key in other else "-"
        check(text == wanted, f"{key}: {text!r}, expected {wanted!r}")
    note = next(n for n in load_json(first + "/summary.json")["notes"] if n.startswith("Run to run"))
    agree = [tuple(map(int, pair)) for pair in re.findall(r"(\d+) of (\d+)", note)]
    check(len(agree) == 2 and all(0 < a <= b for a, b in agree), note)
    check("<th>run to run</th>" in load_text(first + "/report.html"), "no column in the page")

    done = run_report(program, first, "--no-plots", "--against", second)
    check(done.returncode == 0 and "Run to run" in done.stdout, done.stderr)
    for words, reason in ((["--against", third], "its plan is another one"), (["--against", folder + "/none"], "no such run directory")):
        done = run_report(program, first, "--no-plots", *words)
        check(done.returncode == 5 and reason in done.stderr and len(done.stderr.splitlines()) == 1, (words, done.stderr))
    change(second, workers=[{"name": "worker-bump", "build_id": "01"}])
    done = run_report(program, first, "--no-plots", "--against", second)
    check(done.returncode == 5 and "other builds" in done.stderr, done.stderr)
    done = run_report(program, first, "--no-plots")
    check(done.returncode == 0 and "Run to run" not in done.stdout, "a run of other builds was taken")
    check("run to run" not in load_text(first + "/summary.md"), "a column without a run")


main(test)
