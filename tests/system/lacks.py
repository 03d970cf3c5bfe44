#!/usr/bin/env python3
"""What a machine cannot tell costs its own figures and one line, never the run: real driver, real workers, on machines that lack something.

usage: lacks.py ARENABENCH

Each case runs a few real cells and looks at three things: exit 0; exactly one line on stderr that names what is missing; the figures
concerned are null with their reason while the others are there. What cannot be made here (a mount namespace, another user) is skipped
by name; exit 77 when that is all.
"""
import ctypes
import os
import platform
import struct
import subprocess
import sys
import tempfile

ARENABENCH = os.path.abspath(sys.argv[1])
WORKERS = os.path.dirname(ARENABENCH)
NOBODY = 65534
PARANOID = "/proc/sys/kernel/perf_event_paranoid"
CELLS = ["--scenario", "binary_trees", "--backend", "bump,malloc,arena-kept", "--pages", "4k", "--reps", "1", "--scale", "0.05"]


class Skip(Exception):
    pass


class Done:
    """One finished run: what was said, and its rows."""

    def __init__(self, out, process):
        assert process.returncode == 0, f"exit {process.returncode}: {process.stderr}"
        self.lines = [line for line in process.stderr.splitlines() if line.startswith("arenabench:") and "run directory" not in line]
        with open(os.path.join(out, "samples.tsv"), encoding="utf-8") as file:
            header, *lines = file.read().splitlines()
        self.rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
        assert all((row["value"] == "null") == (row["reason"] != "-") for row in self.rows)

    def one_line(self, *words):
        found = [line for line in self.lines if all(word in line for word in words)]
        assert len(found) == 1, f"want one line with {words}, got {self.lines}"

    def null(self, metric, reason):
        rows = [row for row in self.rows if row["metric"] == metric]
        assert rows, f"no row of {metric}"
        wrong = [row for row in rows if row["value"] != "null" or reason not in row["reason"]]
        assert not wrong, f"{metric} should be null because of {reason!r}: {wrong[0]}"

    def there(self, *metrics):
        for metric in metrics:
            rows = [row for row in self.rows if row["metric"] == metric]
            backends = {row["backend"] for row in rows if row["value"] != "null"}
            assert len(backends) == 3, f"{metric}: {backends}"


def run(folder, *words, lead=(), env=None, **how):
    out = os.path.join(folder, "run")
    command = [*lead, ARENABENCH, "quick", *CELLS, "--out", out, *words]
    process = subprocess.run(command, cwd=folder, env={"PATH": os.environ["PATH"], **(env or {})}, text=True, stdin=subprocess.DEVNULL,
                             capture_output=True, timeout=100, **how)
    return Done(out, process)


def namespace(script):
    """A command line that runs what follows it after `script`, in a mount namespace of its own."""
    lead = ["unshare", "-m"] + ([] if os.geteuid() == 0 else ["-r"]) + ["sh", "-ec", script + '\nexec "$@"', "sh"]
    try:
        if subprocess.run([*lead, "true"], capture_output=True, timeout=20).returncode == 0:
            return lead
    except FileNotFoundError:
        pass
    raise Skip("no mount namespace can be made here")


def refuse_perf(error):
    """To be called in the child: from now on perf_event_open fails with `error`, for it and everything it starts."""
    machines = {"x86_64": (0xC000003E, 298), "aarch64": (0xC00000B7, 241)}
    if platform.machine() not in machines:
        raise Skip("the number of perf_event_open is not known here")
    audit, number = machines[platform.machine()]

    def child():
        steps = [(0x20, 0, 0, 4), (0x15, 0, 3, audit), (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | error),
                 (0x06, 0, 0, 0x7FFF0000)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")
    return child


def test_an_event_that_does_not_exist(folder):
    done = run(folder, "--events", "PAGE-FAULTS,NO_SUCH_EVENT")
    done.one_line("no_such_event", "unknown event")
    done.null("no_such_event", "unknown event")
    done.there("time", "faults_minor", "rss_bytes")


def test_an_event_that_needs_privileges(folder):
    """As a user whom the kernel does not let count its own side; where nobody is refused, the refusal is made."""
    with open(PARANOID, encoding="utf-8") as file:
        paranoid = int(file.read())
    how = {}
    if os.geteuid() == 0 and paranoid >= 2 and os.access(WORKERS, os.X_OK):
        os.chmod(folder, 0o777)
        how = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            subprocess.run([ARENABENCH, "help"], capture_output=True, check=True, timeout=20, **how)
        except (OSError, subprocess.CalledProcessError):
            how = {"preexec_fn": refuse_perf(13)}
    elif os.geteuid() == 0 or paranoid < 2:
        how = {"preexec_fn": refuse_perf(13)}
    done = run(folder, "--events", "PAGE-FAULTS:k", **how)
    done.one_line("page-faults_kernel", "not permitted (perf_event_paranoid)")
    done.null("page-faults_kernel", "not permitted (perf_event_paranoid)")
    done.there("time", "faults_minor", "rss_bytes")


def without_perf(folder, error, reason):
    done = run(folder, "--events", "PAGE-FAULTS", preexec_fn=refuse_perf(error))
    done.one_line("page-faults_user", reason)
    done.null("page-faults_user", reason)
    done.null("counters_read_cost", "no counter is open")
    done.there("time", "faults_minor", "rss_bytes")


def test_perf_events_refused(folder):
    without_perf(folder, 13, "not permitted (perf_event_paranoid)")


def test_perf_events_not_in_the_kernel(folder):
    without_perf(folder, 38, "perf events disabled in this kernel")


def test_proc_hidden(folder):
    done = run(folder, lead=namespace("mount -t tmpfs none /proc"))
    done.one_line("/proc is not readable")
    for metric, reason in (("rss_bytes", "smaps_rollup not readable"), ("rss_peak_bytes", ""), ("page_table_bytes", "status not readable"),
                           ("drag", "/proc/self/statm cannot be read"), ("given_back_1s_bytes", "smaps_rollup not readable")):
        done.null(metric, reason)
    done.there("time", "time_typical", "latency_request_p50", "faults_minor", "live_bytes")
    if os.geteuid() == 0:
        done.there("page-faults_user")  # the kernel's own events need no libpfm4


def test_a_topology_without_cores(folder):
    done = run(folder, env={"HWLOC_COMPONENTS": "no_os,stop"})
    done.one_line("cores: the topology shows no cores")
    done.there("time", "faults_minor", "rss_bytes")
    with open(os.path.join(folder, "run", "run.json"), encoding="utf-8") as file:
        text = file.read()
    assert '"the topology shows no cores"' in text


def test_a_control_group_of_half_a_cpu(folder):
    tree = ("mount -t tmpfs none /sys/fs/cgroup; echo cpu >/sys/fs/cgroup/cgroup.controllers; echo 50000 100000 >/sys/fs/cgroup/cpu.max; "
            "echo '0::/' >/sys/fs/cgroup/own; mount --bind /sys/fs/cgroup/own /proc/self/cgroup")
    done = run(folder, lead=namespace(tree))
    done.one_line("0.50 of a CPU")
    for metric in ("time_typical", "latency_request_max", "latency_alloc_p99_9"):
        done.null(metric, "less than one CPU" if metric != "latency_alloc_p99_9" else "")
    done.there("time", "faults_minor", "rss_bytes", "latency_alloc_p50")


def main():
    failed = skipped = 0
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    for name, test in tests:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print(f"ok {name}")
            except Skip as why:
                skipped += 1
                print(f"skipped {name}: {why}")
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"FAILED {name}: {error}")
    sys.exit(1 if failed else 77 if skipped == len(tests) else 0)


main()
