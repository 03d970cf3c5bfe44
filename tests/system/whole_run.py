"""whole_run.py DIR [JOURNAL] - is the run in DIR whole? Every planned process of every cell has its rows in samples.tsv, exactly
once, one process each; every line of JOURNAL (the observations that were finished before an interruption) is in raw/ unchanged.
Exit 0 and a line of figures, or 1 and what is missing."""
import json
import os
import subprocess
import sys


def raw_lines(folder):
    lines = {}
    for name in sorted(os.listdir(os.path.join(folder, "raw"))):
        text = subprocess.run(["zstd", "-dcq", os.path.join(folder, "raw", name)], capture_output=True, check=True).stdout.decode()
        for line in text.splitlines():
            lines[json.loads(line)["order"]] = json.loads(line)
    return lines


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
        run = json.load(file)
    with open(os.path.join(folder, "samples.tsv"), encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    head, rows = rows[0], rows[1:]
    column = {name: index for index, name in enumerate(head)}
    problems = [] if run["exit"] == 0 else [f"run.json says exit {run['exit']}"]
    planned = list(range(len(run["plan"]["order"])))
    started = sorted(process["order"] for process in run["processes"] if process["exit"] == 0)
    if started != planned:
        problems.append(f"processes that ended well: {len(started)}, planned: {len(planned)}")
    keys = {}
    for row in rows:
        key = tuple(row[column[name]] for name in "pass side scenario backend arm threads pages options rep".split())
        keys.setdefault(key, set()).add(row[column["order"]])
    double = [key for key, orders in keys.items() if len(orders) != 1]
    if double:
        problems.append(f"rows of one repetition from several processes: {double[0]}")
    seen = {int(order) for orders in keys.values() for order in orders}
    if seen != set(planned):
        problems.append(f"no rows of the processes {sorted(set(planned) - seen)[:5]}")
    kept = 0
    if len(sys.argv) > 2:
        raw = raw_lines(folder)
        with open(sys.argv[2], encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    continue  # the line that was being written when the run was cut
                entry = json.loads(line)
                if entry["exit"] != 0:
                    continue
                kept += 1
                if raw.get(entry["order"], {}).get("observation") != entry["observation"]:
                    problems.append(f"the finished observation {entry['order']} is lost or changed")
    for problem in problems:
        print(problem)
    print(f"{len(planned)} processes, {len(rows)} rows, {kept} observations kept from before")
    sys.exit(1 if problems else 0)


main()
