#!/usr/bin/python3
"""Damaged, partial and missing input: one clear line and exit 5, nothing written; what an interrupted run did deliver is shown with
notes; pictures that cannot be drawn do not take the figures with them."""
import json
import os
import shutil

from report_test import check, load_json, load_text, main, make_run, run_report

RESULTS = ("summary.json", "summary.md", "report.html")


def refuse(program, args, *words):
    done = run_report(program, *args)
    line = done.stderr
    check(done.returncode == 5, f"{args}: exit {done.returncode}, expected 5: {line}")
    check(line.count("\n") == 1 and line.endswith("\n"), f"{args}: not one line: {line!r}")
    for word in words:
        check(word in line, f"{args}: \"{word}\" is not in {line!r}")
    check(done.stdout == "", f"{args}: printed {done.stdout[:80]!r}")


def damaged(program, folder, run, name, change, *words):
    copy = f"{folder}/damaged"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns(*RESULTS, "plots"))
    change(f"{copy}/{name}")
    refuse(program, [copy], name, *words)
    check(not any(os.path.exists(f"{copy}/{result}") for result in RESULTS), f"{name}: results were written from damaged input")


def edit(change):
    def apply(path):
        text = load_text(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(change(text))
    return apply


def cut(path):
    os.truncate(path, os.path.getsize(path) // 2)


def without_plan(text):
    run = json.loads(text)
    del run["plan"]
    return json.dumps(run)


def test_input(program, folder):
    run = make_run(f"{folder}/run")
    refuse(program, [], "which run")
    refuse(program, [f"{folder}/absent"], "absent", "no such run directory")
    refuse(program, [run, "--fast"], "--fast", "--json")
    refuse(program, [run, run], "one run directory")
    refuse(program, [run, "--plots-only", "--no-plots"], "exclude")
    damaged(program, folder, run, "run.json", os.unlink, "missing")
    damaged(program, folder, run, "run.json", cut, "line")
    damaged(program, folder, run, "run.json", edit(without_plan), "plan.cells")
    damaged(program, folder, run, "samples.tsv", os.unlink, "missing")
    damaged(program, folder, run, "samples.tsv", edit(lambda t: t.split("\n")[0] + "\n"), "no rows")
    damaged(program, folder, run, "samples.tsv", edit(lambda t: t.replace("metric", "metrix", 1)))
    damaged(program, folder, run, "samples.tsv", edit(lambda t: t.replace("null\tneeds the collector", "null\t-", 1)))
    damaged(program, folder, run, "samples.tsv", cut)
    damaged(program, folder, run, "hist.tsv.zst", cut)
    damaged(program, folder, run, "series.tsv.zst", lambda path: open(path, "w", encoding="utf-8").write("not zstd"))


def test_interrupted(program, folder):
    run = make_run(f"{folder}/interrupted", "--interrupted")
    done = run_report(program, run)
    check(done.returncode == 0, f"interrupted: exit {done.returncode}: {done.stderr}")
    notes = " ".join(load_json(f"{run}/summary.json")["notes"])
    for word in ("interrupted by signal 2", "--resume", "Incomplete: 162 of 324", "series.tsv.zst is missing",
                 "hist.tsv.zst is missing"):
        check(word in notes, f"\"{word}\" is not in the notes: {notes}")
        check(word in load_text(f"{run}/report.html"), f"\"{word}\" is not on the page")
    check(not os.path.exists(f"{run}/plots/memory.svg"), "a memory picture without a curve")
    check(os.path.exists(f"{run}/plots/latency_request.png"), "no latency picture from the named percentiles")
    check("too few repetitions" in done.stdout, "half of the repetitions and no word about it")


def test_journal(program, folder):
    """Killed before any table: the journal gives the figures that the tables of the same processes give."""
    run, tables = make_run(f"{folder}/journal", "--journal"), make_run(f"{folder}/tables", "--interrupted")
    done = run_report(program, run)
    check(done.returncode == 0, f"journal: exit {done.returncode}: {done.stderr}")
    run_report(program, tables, "--no-plots")
    found, wanted = load_json(f"{run}/summary.json"), load_json(f"{tables}/summary.json")
    planned = [cell for cell in wanted["cells"] if cell["index"] is not None]
    check(len(planned) == 36, f"{len(planned)} planned cells")
    for cell in planned:
        other = [c for c in found["cells"] if c["index"] == cell["index"]]
        check(other == [cell] or not cell["metrics"], f"cell {cell['index']} from the journal differs from the one of the tables")
    check(found["comparisons"] == wanted["comparisons"], "comparisons from the journal differ")
    check(any("161 processes in observations.jsonl" in n or "162 processes in observations.jsonl" in n for n in found["notes"]),
          f"notes: {found['notes']}")
    check(os.path.exists(f"{run}/plots/memory.png"), "the journal's curves are not drawn")
    damaged(program, folder, run, "observations.jsonl", edit(lambda text: "{}x\n" + text), "line 1")


def test_without_gnuplot(program, folder):
    run = make_run(f"{folder}/noplot")
    os.makedirs(f"{folder}/empty")
    done = run_report(program, run, env={"PATH": f"{folder}/empty"})
    check(done.returncode == 0, f"without gnuplot: exit {done.returncode}")
    check("gnuplot is not installed" in done.stderr, f"without gnuplot: {done.stderr!r}")
    check("gnuplot is not installed" in load_text(f"{run}/report.html"), "the page does not say why there is no picture")
    done = run_report(program, run, "--plots-only", env={"PATH": f"{folder}/empty"})
    check(done.returncode == 5, f"--plots-only without gnuplot: exit {done.returncode}, expected 5")
    with open(f"{folder}/empty/gnuplot", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\necho 'warning: nothing to plot'\nexit 0\n")
    os.chmod(f"{folder}/empty/gnuplot", 0o755)
    done = run_report(program, run, "--plots-only", env={"PATH": f"{folder}/empty"})
    check(done.returncode == 5 and "nothing to plot" in done.stderr, f"a gnuplot that draws nothing: {done.returncode} {done.stderr!r}")
    done = run_report(program, run, "--plots-only")
    check(done.returncode == 0 and os.path.exists(f"{run}/plots/time.svg"), f"--plots-only: {done.returncode} {done.stderr!r}")


def test_again(program, folder):
    """The same directory gives the same report, also the second time."""
    run = make_run(f"{folder}/again")
    check(run_report(program, run).returncode == 0, "first report")
    first = {name: load_text(f"{run}/{name}") for name in RESULTS}
    check(run_report(program, run).returncode == 0, "second report")
    for name in RESULTS:
        check(load_text(f"{run}/{name}") == first[name], f"{name} differs when it is made again")


def test(program, folder):
    test_input(program, folder)
    test_interrupted(program, folder)
    test_journal(program, folder)
    test_without_gnuplot(program, folder)
    test_again(program, folder)


main(test)
