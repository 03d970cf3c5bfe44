#!/usr/bin/python3
"""report.html and the closing table of a synthetic run: nothing is fetched, everything is escaped, each missing figure says why,
the bad news is there, and no figure is shown as 0 because it is missing."""
import os
import re
from html.parser import HTMLParser

from report_test import check, load_text, main, make_run, run_report

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Text, attributes that fetch, and tags that do not nest."""
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.links, self.stack, self.tags, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "xlink:href", "data", "action", "srcset"):
                self.links.append(value or "")
            if name == "id":
                self.ids.append(value)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        check(self.stack and self.stack[-1] == tag, f"</{tag}> closes {self.stack[-1:]} at {self.getpos()}")
        self.stack.pop()

    def handle_data(self, data):
        self.text.append(data)


def external(html, page):
    found = re.findall(r"""https?:|//[a-z0-9.-]+\.[a-z]{2,}|@import|url\((?!["']?#)""", html)
    return found + [link for link in page.links if not link.startswith("#")] + [tag for tag in page.tags if tag in ("script", "link")]


def parse(html):
    page = Page()
    page.feed(html)
    page.close()
    return page


def test(program, folder):
    out = make_run(f"{folder}/run")
    done = run_report(program, out)
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    html = load_text(f"{out}/report.html")
    page = parse(html)
    text = " ".join(page.text)
    check(not page.stack, f"not closed: {page.stack}")
    check(not external(html, page), f"the page fetches: {external(html, page)[:3]}")
    planted = html.replace("</body>", '<img src="http://example.org/x.png"></body>')
    check(external(planted, parse(planted)), "a planted external picture was not found")
    check(len(page.ids) == len(set(page.ids)), "two elements have one id")
    for link in page.links:
        check(link[1:] in page.ids, f"{link} leads nowhere")

    check('Synthetic & <b>Sons</b> 9000 "quoted"' in text, "the CPU's name is not shown as it is")
    check("<b>Sons" not in html, "text of run.json became markup")
    for reason in ("needs the collector", "too few repetitions", "no PMU (virtualised)", "never scheduled", "too few calls",
                   "no calls", "no cpufreq (virtualised)", "multiplexed: counted 61 %"):
        check(reason in text, f"\"{reason}\" is not on the page")
    check("(migrated)" in text, "the migrated process is not marked")
    check("request_server: arena-safe fresh takes" in text, "the page does not say where malloc wins")
    check("< 20 ns" in text, "a latency below twice the clock's step is not shown as a bound")
    check(html.count("<svg") == 4, f"{html.count('<svg')} pictures instead of 4")
    for name in ("time", "latency_request", "latency_alloc", "memory"):
        for suffix in ("svg", "png", "tsv"):
            check(os.path.getsize(f"{out}/plots/{name}.{suffix}") > 1000, f"plots/{name}.{suffix} is too small")
    check(not [f for f in os.listdir(f"{out}/plots") if f.endswith((".part", ".log"))], "left over files in plots/")

    table = done.stdout
    check(all(len(line) <= 100 for line in table.splitlines()), "the table is wider than 100 columns")
    check(table.isascii(), "the table needs more than ASCII")
    rows = [line for line in table.splitlines() if line.startswith("  arena-safe reuse")]
    check(len(rows) == 6 and all(re.fullmatch(r"  arena-safe reuse( +-\[1\]){7}", row) for row in rows), f"absent rows: {rows[:1]}")
    check("[1] needs the collector" in table, "the footnote is missing")
    heads = [line for line in table.splitlines() if "best ns/op" in line]
    check(len(heads) == 6, "each scenario and page mode should have its head with units")
    check(table.rstrip().endswith(f"Report: {out}/report.html"), "the last line is not the report's path")
    check("Where malloc wins" in table and "What arenas buy here" in table, "the closing words are missing")
    markdown = load_text(f"{out}/summary.md")
    check("| arena-kept reuse |" in markdown and "needs the collector" in markdown, "summary.md lacks rows or reasons")
    open_loop(program, folder)


def open_loop(program, folder):
    """A scenario of latencies alone is where it has data and nowhere else."""
    out = make_run(f"{folder}/open", "--open")
    done = run_report(program, out, "--no-plots")
    check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    for name, there in (("latency_request", True), ("latency_alloc", False), ("time", False), ("memory", False)):
        titles = load_text(f"{out}/plots/{name}.conf.gp")
        check(("request_open" in titles) == there, f"{name}: panels of request_open: {not there}")
        check("request_server" in titles, f"{name}: no panel of request_server")
    lines = [line for line in load_text(f"{out}/plots/latency_request.tsv").splitlines() if line and not line.startswith("#")]
    other = make_run(f"{folder}/closed")
    run_report(program, other, "--no-plots")
    closed = [line for line in load_text(f"{other}/plots/latency_request.tsv").splitlines() if line and not line.startswith("#")]
    check(len(lines) > 1.2 * len(closed), f"the panels of request_open are empty: {len(lines)} lines, {len(closed)} without it")


main(test)
