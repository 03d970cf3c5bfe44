#!/usr/bin/python3
"""No two text boxes of one picture overlap, and no table is cut off, in the page as Chromium lays it out at desk and phone width.

The test adds a script to a copy of the page; the script writes what it measured into the document, which --dump-dom prints. A
planted text over another one must be found, else the check proves nothing. argv[2], when given, is a run directory to look at
instead of the synthetic one.
"""
import html as html_module
import json
import os
import re
import shutil
import subprocess
import sys

from report_test import Skip, check, load_text, main, make_run, run_report

MEASURE = """<script>
addEventListener('load', function () {
  var out = {texts: 0, overlaps: [], outside: [], wide: []};
  document.querySelectorAll('svg').forEach(function (svg, n) {
    var frame = svg.getBoundingClientRect(), boxes = [];
    svg.querySelectorAll('text').forEach(function (text) {
      var box = text.getBoundingClientRect();
      if (text.textContent.trim() === '' || box.width === 0) return;
      boxes.push({box: box, text: text.textContent});
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        out.outside.push(n + ': ' + text.textContent);
    });
    out.texts += boxes.length;
    boxes.forEach(function (a, i) {
      boxes.slice(i + 1).forEach(function (b) {
        var w = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        var h = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        if (w > 1 && h > 2) out.overlaps.push(n + ': ' + a.text + ' | ' + b.text);
      });
    });
  });
  document.querySelectorAll('body > *, body > div > *').forEach(function (element) {
    if (element.closest('.scroll, .card') === null && element.getBoundingClientRect().right > innerWidth + 1)
      out.wide.push(element.tagName + ' ' + element.textContent.slice(0, 40));
  });
  if (document.documentElement.scrollWidth > innerWidth + 1) out.wide.push('page ' + document.documentElement.scrollWidth);
  var pre = document.createElement('pre');
  pre.id = 'measured';
  pre.textContent = JSON.stringify(out);
  document.body.appendChild(pre);
});
</script></body>"""


def measure(chromium, folder, html, width):
    page = f"{folder}/measure.html"
    with open(page, "w", encoding="utf-8") as file:
        file.write(html.replace("</body>", MEASURE))
    profile = f"{folder}/profile"
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
               f"--window-size={width},2000", "--dump-dom", f"file://{page}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, timeout=100)
    shutil.rmtree(profile, ignore_errors=True)
    found = re.search(r'<pre id="measured">(.*?)</pre>', done.stdout, re.S)
    check(found, f"Chromium ended with {done.returncode} and measured nothing")
    return json.loads(html_module.unescape(found.group(1)))


def plant(html):
    """A second text exactly over the first one that has letters."""
    first = re.search(r"<g transform=\"[^\"]*\"[^>]*>\s*<text>.*?[a-z].*?</text>\s*</g>", html, re.S)
    check(first, "no text in any picture")
    return html[:first.end()] + first.group(0) + html[first.end():]


def test(program, folder):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise Skip("chromium is not installed")
    run = sys.argv[2] if len(sys.argv) > 2 else make_run(f"{folder}/run", "--splits")
    if len(sys.argv) <= 2:
        done = run_report(program, run)
        check(done.returncode == 0, f"exit {done.returncode}: {done.stderr}")
    html = load_text(os.path.join(run, "report.html"))
    for width in (1280, 400):
        found = measure(chromium, folder, html, width)
        print(f"{width} px: {found['texts']} texts in pictures")
        check(found["texts"] > 100, f"only {found['texts']} texts were measured")
        check(not found["overlaps"], f"{width} px: {len(found['overlaps'])} overlaps: {found['overlaps'][:5]}")
        check(not found["outside"], f"{width} px: outside of its picture: {found['outside'][:5]}")
        check(not found["wide"], f"{width} px: wider than the window: {found['wide'][:3]}")
    found = measure(chromium, folder, plant(html), 1280)
    check(found["overlaps"], "a planted overlap was not found")


main(test)
