"""No finished observation is lost: signals to the driver, its sudden death, a hung worker, a torn journal, a full disk; then --resume."""
import json
import os
import signal
import subprocess
import sys
import time

import support
from support import FEW, FEW_PROCESSES, assert_whole, one_line


def journal(bench, out="run"):
    with open(bench.path(out, "observations.jsonl"), encoding="utf-8") as file:
        return file.read().splitlines()


def finished_orders(bench, out="run"):
    return [json.loads(line)["order"] for line in journal(bench, out)]


def resume_and_check(bench, kept, tried_twice):
    """After resuming: whole, and only the processes in tried_twice ran a second time."""
    done = bench.resume()
    assert done.returncode == 0, done.err
    assert_whole(bench, FEW_PROCESSES)
    runs = [int(row["order"]) for row in bench.log()]
    for order in range(FEW_PROCESSES):
        want = 2 if order in tried_twice else 1
        assert runs.count(order) == want, (order, runs)
    assert set(kept).isdisjoint(tried_twice)


def check_signal(bench, number):
    done = bench.quick(*FEW, HX_FAKE=f"parent:{number}:*bump/bulk/1/4k:time:1", HX_FAKE_ONCE=bench.path("once"))
    assert done.returncode == 128 + number, (done.returncode, done.err)
    kept = finished_orders(bench)
    assert 0 < len(kept) < FEW_PROCESSES
    run = bench.json("run.json")
    assert run["exit"] == 128 + number and not run["complete"] and len(run["processes"]) == len(kept)
    lines = [line for line in done.err.splitlines() if "interrupted" in line]
    assert len(lines) == 1 and f"{len(kept)} of {FEW_PROCESSES}" in lines[0] and "--resume" in lines[0], done.err
    in_flight = {int(row["order"]) for row in bench.log()} - set(kept)
    assert len(in_flight) == 1
    resume_and_check(bench, kept, in_flight)


def test_sigint(bench):
    check_signal(bench, signal.SIGINT)


def test_sigterm(bench):
    check_signal(bench, signal.SIGTERM)


def test_death_of_the_driver(bench):
    done = bench.quick(*FEW, HX_FAKE="parent:9:*malloc/each/1/huge:*:0", HX_FAKE_ONCE=bench.path("once"))
    assert done.returncode == -signal.SIGKILL, (done.returncode, done.err)
    assert not os.path.exists(bench.path("run", "run.json"))
    kept = finished_orders(bench)
    in_flight = {int(row["order"]) for row in bench.log()} - set(kept)
    resume_and_check(bench, kept, in_flight)


def test_a_hung_worker_dies_with_the_run(bench):
    process = bench.start("quick", "--workers", bench.workers, "--out", bench.path("run"), *FEW, HX_FAKE="sleep:600000:*:time:0")
    deadline = time.monotonic() + 60
    while not (os.path.exists(bench.log_path) and any(row["pass"] == "time" for row in bench.log())):
        assert time.monotonic() < deadline, "no worker was started"
        time.sleep(0.01)
    worker = int([row for row in bench.log() if row["pass"] == "time"][-1]["pid"])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    try:
        os.kill(worker, 0)
        raise AssertionError("the worker is still there")
    except ProcessLookupError:
        pass
    assert bench.resume().returncode == 0
    assert_whole(bench, FEW_PROCESSES)


def test_a_killed_worker_is_named(bench):
    done = bench.quick(*FEW, HX_FAKE="signal:9:*bump/bulk/1/huge:memory:0", HX_FAKE_ONCE=bench.path("once"))
    assert done.returncode == 5
    assert "binary_trees/bump/bulk/1/huge, memory pass 0: killed by SIGKILL" in done.err, done.err
    assert bench.resume().returncode == 0
    assert_whole(bench, FEW_PROCESSES)


def test_torn_last_line_is_cut(bench):
    done = bench.quick(*FEW, HX_FAKE="parent:9:*malloc/each/1/huge:*:1", HX_FAKE_ONCE=bench.path("once"))
    assert done.returncode == -signal.SIGKILL
    path = bench.path("run", "observations.jsonl")
    with open(path, "rb") as file:
        whole = file.read()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    with open(path, "wb") as file:
        file.write(whole[:last + (len(whole) - last) // 2])
    assert bench.resume().returncode == 0
    assert_whole(bench, FEW_PROCESSES)
    runs = [int(row["order"]) for row in bench.log()]
    assert len(runs) == FEW_PROCESSES + 2, "the torn one and the one in flight ran again"


def test_full_disk(bench):
    if os.geteuid() != 0:
        raise support.Skip("mounting a small tmpfs needs root")
    small = bench.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], capture_output=True).returncode != 0:
        raise support.Skip("tmpfs cannot be mounted here")
    try:
        many = ("--scenario", "binary_trees", "--backend", "malloc,bump", "--reps", "60")
        done = bench.quick(*many, out="small/run")
        assert done.returncode == 5, (done.returncode, done.err)
        lines = [line for line in done.err.splitlines() if not line.startswith("[") and "not counted here" not in line]
        one_line("\n".join(lines), "No space left on device", "--resume")
        kept = finished_orders(bench, "small/run")
        assert len(kept) > 10, "something was kept"
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        again = bench.resume(out="small/run")
        assert again.returncode == 0, again.err
        assert_whole(bench, 4 * (60 + 3), out="small/run")
        runs = [int(row["order"]) for row in bench.log()]
        assert all(runs.count(order) == 1 for order in kept)
    finally:
        subprocess.run(["umount", small], check=False)


def test_full_disk_before_the_first_byte(bench):
    if os.geteuid() != 0:
        raise support.Skip("mounting a small tmpfs needs root")
    small = bench.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", small], capture_output=True).returncode != 0:
        raise support.Skip("tmpfs cannot be mounted here")
    try:
        done = bench.quick(*FEW, out="small/deep/run")
        assert done.returncode == 5
        one_line(done.err, "No space left on device")
        assert os.listdir(small) == [], "nothing is left"
    finally:
        subprocess.run(["umount", small], check=False)


def interrupted(bench):
    done = bench.quick(*FEW, HX_FAKE="parent:15:*:time:1", HX_FAKE_ONCE=bench.path("once"))
    assert done.returncode == 143


def test_resume_refuses_other_builds_and_other_plans(bench):
    interrupted(bench)
    plan = bench.json("plan.json")
    text = json.dumps(plan)
    plan["workers"][0]["build_id"] = "00"
    with open(bench.path("run", "plan.json"), "w", encoding="utf-8") as file:
        json.dump(plan, file)
    done = bench.resume()
    assert done.returncode == 5
    one_line(done.err, "rebuilt")
    plan = json.loads(text)
    plan["plan"]["order"][-1]["rep"] = 7
    with open(bench.path("run", "plan.json"), "w", encoding="utf-8") as file:
        json.dump(plan, file)
    done = bench.resume()
    assert done.returncode == 5
    one_line(done.err, "sha256")


def test_resume_refuses_a_whole_run_and_an_empty_folder(bench):
    assert bench.quick(*FEW).returncode == 0
    done = bench.resume()
    assert done.returncode == 5
    one_line(done.err, "complete")
    done = bench.run("--resume", bench.path("nowhere"))
    assert done.returncode == 5
    one_line(done.err, "no unfinished run")


def test_two_drivers_in_one_folder(bench):
    first = bench.start("quick", "--workers", bench.workers, "--out", bench.path("run"), *FEW, HX_FAKE="sleep:600000:*:*:1",
                        HX_FAKE_ONCE=bench.path("never"))
    deadline = time.monotonic() + 60
    while not os.path.exists(bench.path("run", "observations.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    second = bench.resume()
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert second.returncode == 5
    one_line(second.err, "another arenabench")


def test_interrupted_twice(bench):
    interrupted(bench)
    os.remove(bench.path("once"))
    again = bench.resume(HX_FAKE="parent:2:*:time:1", HX_FAKE_ONCE=bench.path("once"))
    assert again.returncode == 130, (again.returncode, again.err)
    assert bench.json("run.json")["exit"] == 130
    assert bench.resume().returncode == 0
    assert_whole(bench, FEW_PROCESSES)


if __name__ == "__main__":
    support.main(dict(globals()))
    sys.exit(0)
