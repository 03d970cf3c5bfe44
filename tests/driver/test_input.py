"""Bad input: one clear line naming the word and the valid choices, exit 5, nothing written. Distinct from every verdict."""
import os
import sys

import support
from support import one_line


def refused(bench, words, *parts):
    before = {name for name in os.listdir(bench.folder) if name != "log"}
    done = bench.run(*words)
    assert done.returncode == 5, (words, done.returncode, done.err)
    assert done.out == "", (words, done.out)
    one_line(done.err, *parts)
    after = {name for name in os.listdir(bench.folder) if name != "log"}
    assert after == before, (words, after - before)


def test_words(bench):
    workers = ("--workers", bench.workers)
    refused(bench, ("fast",), "fast", "quick, full, list, doctor")
    refused(bench, ("quick", "now"), "now")
    refused(bench, ("quick", "--speed", "3"), "--speed", "--scenario", "--resume")
    refused(bench, ("quick", "--seed"), "--seed", "value")
    for option, value, *parts in (
            ("--scenario", "json_don", "json_don", "binary_trees", "json_dom"),
            ("--scenario", "json_dom,xml*", "xml*", "json_dom"),
            ("--backend", "hoard", "hoard", "malloc", "bump", "arena-safe"),
            ("--arm", "slow", "slow", "each", "bulk", "reuse"),
            ("--scenario", "", "--scenario", "empty"),
            ("--reps", "0", "--reps 0", "1 to"),
            ("--reps", "-3", "-3"),
            ("--reps", "six", "six"),
            ("--seed", "-1", "-1"),
            ("--seed", "18446744073709551616", "18446744073709551616"),
            ("--threads", "0", "0"),
            ("--threads", "1,,2", "1,,2"),
            ("--threads", "9", "/9/", "more threads"),
            ("--cpus", "0-", "0-"),
            ("--cpus", "4000", "4000"),
            ("--pages", "2m", "2m", "4k, huge, both"),
            ("--scale", "0", "--scale 0", "0.01 to 100"),
            ("--scale", "101", "101"),
            ("--scale", "nan", "nan"),
            ("--profile", "gate", "gate", "quick, full"),
            ("--litter", "1,2", "1,2"),
            ("--litter", "2,20,1", "2,20,1", "0.95,20,1"),
            ("--litter", "0.5,0,1", "0.5,0,1"),
            ("--litter", "0.5,20,-1", "0.5,20,-1"),
            ("--input", "/etc/passwd", "/etc/passwd", "none of the chosen"),
            ("--input", "missing.json", "missing.json", "No such file"),
            ("--allocator", "mine", "mine", "NAME=LIB"),
            ("--allocator", "mine=missing.so", "mine", "missing.so", "No such file"),
            ("--allocator", "a b=x", "a b"),
    ):
        narrow = ("--scenario", "binary_trees") if value == "/etc/passwd" else ()
        refused(bench, ("quick", *workers, *narrow, option, value), *parts)
    refused(bench, ("--resume", "x", "--reps", "3"), "--reps", "--resume")
    refused(bench, ("quick", *workers, "--arm", "bulk", "--backend", "malloc"), "no cell")


def test_files(bench):
    workers = ("--workers", bench.workers)
    for name, text in (("empty.json", ""), ("text.so", "this is no library\n" * 10), ("full/file", "x")):
        os.makedirs(os.path.dirname(bench.path(name)), exist_ok=True)
        with open(bench.path(name), "w", encoding="utf-8") as file:
            file.write(text)
    refused(bench, ("quick", *workers, "--input", bench.path("empty.json")), "empty.json", "empty")
    refused(bench, ("quick", *workers, "--input", bench.folder), "not a file")
    refused(bench, ("quick", *workers, "--allocator", "mine=" + bench.path("text.so")), "mine", "text.so", "ELF")
    refused(bench, ("quick", *workers, "--allocator", "mine=" + support.FAKE), "mine", "malloc")
    refused(bench, ("quick", *workers, "--out", bench.path("full")), "full", "not empty")
    refused(bench, ("quick", *workers, "--out", bench.path("full/file")), "full/file")
    refused(bench, ("quick", *workers, "--out", "/proc/nothing"), "/proc/nothing")
    refused(bench, ("quick", "--workers", bench.path("full")), "no worker-")
    refused(bench, ("quick", "--workers", bench.path("nowhere")), "nowhere")


def test_a_taken_name(bench):
    library = None
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
        for name in ("libmimalloc.so.2", "libjemalloc.so.2"):
            if os.path.exists(os.path.join(folder, name)):
                library = os.path.join(folder, name)
    if library is None:
        raise support.Skip("no other malloc is installed")
    refused(bench, ("quick", "--workers", bench.workers, "--allocator", "bump=" + library), "bump", "taken")
    done = bench.quick("--scenario", "binary_trees", "--backend", "mine", "--reps", "1", "--allocator", "mine=" + library)
    assert done.returncode == 0, done.err
    assert {os.path.realpath(library)} == {row["preload"] for row in bench.log()}
    assert {row["backend"] for row in bench.samples()} == {"mine"}
    assert bench.json("run.json")["versions"]["mine"]["build_id"]


def test_a_worker_that_refuses_its_input(bench):
    """What a worker says about malformed input reaches the user before anything is written."""
    done = bench.quick("--scenario", "binary_trees", "--backend", "bump", HX_FAKE="exit:5:*:plan:*")
    assert done.returncode == 5
    one_line(done.err, "binary_trees/bump/bulk/1/4k", "fake: told to fail")
    assert not os.path.exists(bench.path("run"))


def test_help_and_list(bench):
    done = bench.run("help")
    assert done.returncode == 0 and "usage:" in done.out
    done = bench.run("list", "--workers", bench.workers)
    assert done.returncode == 0
    for word in ("binary_trees", "json_dom", "extra", "arena-safe", "needs the collector", "bump"):
        assert word in done.out, word


def test_doctor_exits_0_or_4(bench):
    done = bench.run("doctor")
    assert done.returncode in (0, 4), done.returncode
    assert ("verdict: unfit" in done.out) == (done.returncode == 4), done.out
    for word in ("cpu_model", "kernel", "thp_enabled"):
        assert word in done.out


if __name__ == "__main__":
    support.main(dict(globals()))
    sys.exit(0)
