#!/usr/bin/python3
"""The split of the gain and the price of safety, against medians and intervals computed here from samples.tsv: parts add up exactly,
a difference holds its interval, what is missing is a dash with its reason, and a run without these cells shows none of it."""
import csv
import os
import re
import statistics

from report_test import check, load_text, main, make_run, run_report

STEPS = [("kept", "arena-kept", "-"), ("+ quarantine", "arena-safe", "fault=off"), ("+ protect (safe)", "arena-safe", "-"),
         ("+ release", "arena-safe", "fault=release"), ("+ whole-chunk prezero", "arena-safe", "fault=release,prezero=chunk")]
PARTS = {"freeing": ("each", "keep"), "bump, locality": ("keep", "reuse"), "both": ("each", "reuse")}
OPTIONS = {"keep": "tuning=keep"}
# Of n differences the k-th smallest and largest, with 1 - 2 P(Bin(n, 1/2) < k) >= 0.95.
RANK = {6: 1, 7: 1, 8: 1}


def read_values(out):
    """(scenario, backend, arm, pages, options, metric, pass) -> {rep: value}"""
    found = {}
    with open(f"{out}/samples.tsv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["value"] != "null" and row["unit"] != "hex" and row["threads"] == "1":
                key = tuple(row[k] for k in ("scenario", "backend", "arm", "pages", "options", "metric", "pass"))
                found.setdefault(key, {})[int(row["rep"])] = float(row["value"])
    return found


def time_of(values, scenario, backend, arm, pages, metric="time"):
    return values[(scenario, backend, arm, pages, OPTIONS.get(arm, "-"), metric, "time")]


def difference(a, b):
    value = statistics.median(a.values()) - statistics.median(b.values())
    pairs = sorted(a[r] - b[r] for r in set(a) & set(b))
    k = RANK[len(pairs)]
    return value, min(pairs[k - 1], value), max(pairs[-k], value)


def read_blocks(path):
    """Blocks of a figure's table, each a list of rows of cells."""
    blocks, rows = [], []
    for line in load_text(path).splitlines():
        if line.startswith("#"):
            continue
        if line.strip():
            rows.append(line.split("\t"))
        elif rows:
            blocks.append(rows)
            rows = []
    return blocks + ([rows] if rows else [])


def near(found, wanted, what):
    check(abs(float(found) - wanted) <= 1e-9 * max(1, abs(wanted)), f"{what}: {found}, expected {wanted}")


def check_credit(out, values, scenarios):
    for pages in ("4k", "huge"):
        blocks = read_blocks(f"{out}/plots/credit_{pages}.tsv")
        check(len(blocks) == 2 * len(scenarios), f"credit {pages}: {len(blocks)} panels")
        for i, scenario in enumerate(scenarios):
            bars = {row[1]: row for row in blocks[2 * i]}
            check(len(bars) == 6, f"{scenario}: {sorted(bars)}")
            for backend in ("malloc", "mimalloc"):
                for part, (a, b) in PARTS.items():
                    arena = {"reuse": "arena-kept"}
                    wanted = difference(time_of(values, scenario, arena.get(a, backend), a, pages),
                                        time_of(values, scenario, arena.get(b, backend), b, pages))
                    for column, value in zip(bars[f"{backend}: {part}"][3:6], wanted):
                        near(column, value, f"{scenario} {pages} {backend} {part}")
                shown = {part: float(bars[f"{backend}: {part}"][3]) for part in PARTS}
                near(shown["freeing"] + shown["bump, locality"], shown["both"], f"{scenario} {pages} {backend}: the parts do not add up")
            pages_bars = {row[1]: row for row in blocks[2 * i + 1]}
            for label, one, other in (("malloc", ("malloc", "fresh"), ("malloc", "keep")),
                                      ("mimalloc", ("mimalloc", "fresh"), ("mimalloc", "keep")),
                                      ("arena-safe", ("arena-safe", "fresh"), ("arena-safe", "reuse"))):
                wanted = difference(time_of(values, scenario, *one, pages), time_of(values, scenario, *other, pages))
                near(pages_bars[label][3], wanted[0], f"{scenario} {pages} new pages of {label}")


def check_price(out, values, scenarios):
    lines = [line for line in load_text(f"{out}/summary.md").splitlines() if line.startswith("| ")]
    for pages, title in (("4k", "4 KiB pages"), ("huge", "huge pages")):
        blocks = read_blocks(f"{out}/plots/price_of_safety_{pages}.tsv")
        check(len(blocks) == 3 * len(scenarios), f"price {pages}: {len(blocks)} panels")
        for i, scenario in enumerate(scenarios):
            for s, (what, backend, options) in enumerate(STEPS):
                for panel, metric, pass_, factor in ((0, "time_typical", "time", 1), (2, "faults_minor", "time", 1)):
                    row = blocks[3 * i + panel][s]
                    check(row[1] == what, f"{scenario}: bar {s} is {row[1]}, expected {what}")
                    wanted = statistics.median(values[(scenario, backend, "reuse", pages, options, metric, pass_)].values())
                    near(row[3], wanted * factor, f"{scenario} {pages} {what} {metric}")
                check(float(blocks[3 * i + 1][s][3]) > 0, f"{scenario} {pages} {what}: no peak")
                row = [line for line in lines if line.startswith(f"| {scenario}, {title} | {what} |")]
                check(len(row) == 1, f"summary.md: {len(row)} rows of {scenario}, {title}, {what}")
                kept = statistics.median(values[(scenario, "arena-kept", "reuse", pages, "-", "time_typical", "time")].values())
                typical = statistics.median(values[(scenario, backend, "reuse", pages, options, "time_typical", "time")].values())
                check(row[0].split(" | ")[4] == f"{typical / kept:.2f}", f"{row[0]}: expected {typical / kept:.2f} x kept")


def check_missing(program, folder):
    """A keep that failed takes its differences with it, and says why."""
    out = make_run(f"{folder}/missing", "--splits")
    rows = load_text(f"{out}/samples.tsv").splitlines()
    for i, row in enumerate(rows):
        cells = row.split("\t")
        if cells[2:5] == ["json_dom", "malloc", "keep"] and cells[11] == "time":
            rows[i] = "\t".join(cells[:13] + ["null", "planted reason"])
    with open(f"{out}/samples.tsv", "w", encoding="utf-8") as file:
        file.write("\n".join(rows) + "\n")
    done = run_report(program, out, "--no-plots")
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    row = [line for line in load_text(f"{out}/summary.md").splitlines() if line.startswith("| json_dom | huge pages | malloc, arena-kept |")]
    check(len(row) == 1, f"{len(row)} rows of json_dom's credit")
    cells = [cell.strip() for cell in row[0].strip("|").split("|")]
    check(cells[3] == "-" and cells[4] == "-" and cells[5].startswith("+"), f"credit without keep: {cells}")
    check('title="planted reason"' in load_text(f"{out}/report.html"), "the reason is nowhere")


def test(program, folder):
    out = make_run(f"{folder}/run", "--splits")
    done = run_report(program, out, "--no-plots")
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    values = read_values(out)
    scenarios = sorted({key[0] for key in values if key[0] != "empty"}, key=["json_dom", "binary_trees", "request_server"].index)
    check_credit(out, values, scenarios)
    check_price(out, values, scenarios)
    html, markdown = load_text(f"{out}/report.html"), load_text(f"{out}/summary.md")
    for text in ('id="credit"', 'id="price"', "The harness itself: "):
        check(text in html, f"report.html has no {text}")
    check("The harness itself: " in markdown and "The harness itself: " in done.stdout, "the harness's own time is not printed")
    check("request_server, huge pages (needs zeros: malloc is calloc" in done.stdout, "the table does not say who clears")
    for text in (html, markdown):
        check("needs zeros: malloc is calloc" in text and "needs no zeros: only the arenas clear" in text, "a page does not say who clears")
    keep = [line for line in done.stdout.splitlines() if line.startswith("  malloc each tuning=keep ")]
    check(keep and all("(1)" not in line and re.search(r"faster|slower|same", line) for line in keep), f"tuning=keep is not compared: {keep[:1]}")
    check(not [line for line in done.stdout.splitlines() if line.startswith("empty, ")], "the floor is among the scenarios")
    losses = done.stdout.split("Where malloc wins (time")[1].split("Notes")[0]
    check("fault=" not in losses, "steps of the price of safety are listed as losses")
    check_missing(program, folder)
    plain = make_run(f"{folder}/plain")
    done = run_report(program, plain, "--no-plots")
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    for name in ("report.html", "summary.md"):
        for text in ("The price of safety", "The gain, split", "Where the gain comes from, in parts", "The harness itself"):
            check(text not in load_text(f"{plain}/{name}"), f"{name} of a run without these cells has {text}")
    check(not [n for n in os.listdir(f"{plain}/plots") if n.startswith(("credit", "price"))], "pictures without data")


main(test)
