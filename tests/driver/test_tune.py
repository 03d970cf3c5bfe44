"""doctor --tune on a made-up machine: sets, verifies, and puts everything back whatever ends it; doctor --restore after SIGKILL."""
import json
import os
import signal
import subprocess
import time

import support
from support import ARENABENCH, one_line

THP = "sys/kernel/mm/transparent_hugepage/"
BEFORE = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand",
    "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "0",
    "proc/sys/kernel/randomize_va_space": "0",
    "proc/sys/kernel/numa_balancing": "1",
    "proc/sys/kernel/nmi_watchdog": "1",
    THP + "enabled": "[always] madvise never",
    THP + "defrag": "always defer defer+madvise [madvise] never",
}
TUNED = {
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1",
    "proc/sys/kernel/randomize_va_space": "2",
    "proc/sys/kernel/numa_balancing": "0",
    "proc/sys/kernel/nmi_watchdog": "0",
    THP + "enabled": "madvise",
    THP + "defrag": "madvise",
}
STATE = "run/arenabench.tune"


def chosen(text):
    """What a settings file says: the word in brackets, or all of it. (A plain file keeps the bare word that was written.)"""
    return text.split("[")[1].split("]")[0] if "[" in text else text.strip()


class Machine:
    def __init__(self, bench):
        self.root = bench.path("machine")
        os.makedirs(self.path("run"))
        self.write("proc/sys/kernel/random/boot_id", "boot-one")
        for path, text in BEFORE.items():
            self.write(path, text)

    def path(self, below):
        return os.path.join(self.root, below)

    def write(self, below, text):
        os.makedirs(os.path.dirname(self.path(below)), exist_ok=True)
        with open(self.path(below), "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def says(self, below):
        with open(self.path(below), encoding="utf-8") as file:
            return chosen(file.read())

    def settings(self):
        return {path: self.says(path) for path in BEFORE}

    def doctor(self, *words):
        return subprocess.Popen([ARENABENCH, "doctor", "--root", self.root, *words], text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words):
        process = self.doctor(*words)
        process.out, process.err = process.communicate(timeout=60)
        return process

    def wait_tuned(self):
        deadline = time.monotonic() + 30
        while self.settings() != TUNED:
            assert time.monotonic() < deadline, self.settings()
            time.sleep(0.01)

    def assert_untouched(self):
        assert self.settings() == {path: chosen(text) for path, text in BEFORE.items()}, self.settings()
        assert os.listdir(self.path("run")) == [], os.listdir(self.path("run"))


def copying(machine, seen, code=0):
    """A command that writes down what the machine says while it runs."""
    return ["--", "sh", "-c", f'cd "$1" && for f in {" ".join(BEFORE)}; do echo "$f $(cat $f)"; done >"$2"; exit {code}', "sh",
            machine.root, seen]


def seen_by(file):
    return {path: chosen(text) for path, text in (line.rstrip("\n").split(" ", 1) for line in file)}


def test_holds_for_a_command_and_restores(bench):
    machine, seen = Machine(bench), bench.path("seen")
    done = machine.run("--tune", *copying(machine, seen))
    assert done.returncode == 0, done.err
    with open(seen, encoding="utf-8") as file:
        assert seen_by(file) == TUNED
    machine.assert_untouched()
    for part in ("governor: performance (was powersave), 2 of 3 files", "boost: 1 (was 0)", "aslr: 2 (was 0)",
                 "thp_enabled: madvise (was always)", "thp_defrag: madvise already", "7 settings are back"):
        assert part in done.err, (part, done.err)


def test_exit_code_of_the_command(bench):
    machine = Machine(bench)
    assert machine.run("--tune", *copying(machine, bench.path("seen"), 3)).returncode == 3
    machine.assert_untouched()
    assert machine.run("--tune", "--", "sh", "-c", "kill -SEGV $$").returncode == 128 + signal.SIGSEGV
    machine.assert_untouched()
    done = machine.run("--tune", "--", "no-such-command-anywhere")
    assert done.returncode == 5 and "cannot run no-such-command-anywhere" in done.err, done.err
    machine.assert_untouched()


def test_holds_until_a_signal(bench):
    machine = Machine(bench)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        process = machine.doctor("--tune")
        machine.wait_tuned()
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == 128 + number, (number, process.returncode)
        machine.assert_untouched()


def test_signal_ends_the_command_too(bench):
    machine, pid_file = Machine(bench), bench.path("pid")
    process = machine.doctor("--tune", "--", "sh", "-c", f"echo $$ >{pid_file}; exec sleep 60")
    machine.wait_tuned()
    while not os.path.exists(pid_file) or not os.path.getsize(pid_file):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    machine.assert_untouched()
    with open(pid_file, encoding="utf-8") as file:
        assert not os.path.exists(f"/proc/{int(file.read())}"), "the command is still there"


def test_a_second_signal_kills_a_command_that_will_not_end(bench):
    machine = Machine(bench)
    process = machine.doctor("--tune", "--", "sh", "-c", f"trap '' TERM; touch {bench.path('deaf')}; while :; do sleep 0.05; done")
    while not os.path.exists(bench.path("deaf")):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None and machine.settings() == TUNED, "waits for the command, tuned"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGKILL
    machine.assert_untouched()


def killed(machine):
    process = machine.doctor("--tune")
    machine.wait_tuned()
    process.kill()
    process.communicate(timeout=30)
    assert machine.settings() == TUNED and os.path.exists(machine.path(STATE))


def test_restore_finishes_what_sigkill_left(bench):
    machine = Machine(bench)
    killed(machine)
    lines = {line["key"]: line for line in json.loads(machine.run("--json").out)["lines"]}
    assert "--restore" in lines["tuning"]["advice"], lines["tuning"]
    done = machine.run("--restore")
    assert done.returncode == 0 and "7 settings are back" in done.err, done.err
    machine.assert_untouched()
    done = machine.run("--restore")
    assert done.returncode == 0
    one_line(done.err, "nothing to put back")


def test_tune_after_sigkill_restores_the_first_state(bench):
    machine = Machine(bench)
    killed(machine)
    done = machine.run("--tune", *copying(machine, bench.path("seen")))
    assert done.returncode == 0, done.err
    machine.assert_untouched()


def test_a_second_tune_is_refused(bench):
    machine = Machine(bench)
    process = machine.doctor("--tune")
    machine.wait_tuned()
    for option in ("--tune", "--restore"):
        done = machine.run(option)
        assert done.returncode == 5
        one_line(done.err, "another doctor --tune", str(process.pid))
    assert machine.settings() == TUNED
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    machine.assert_untouched()


def test_a_knob_that_cannot_be_written(bench):
    machine = Machine(bench)
    aslr, other = machine.path("proc/sys/kernel/randomize_va_space"), bench.path("other")
    os.rename(aslr, other)
    os.symlink(other, aslr)  # readable, and never opened for writing
    done = machine.run("--tune", *copying(machine, bench.path("seen")))
    assert done.returncode == 0, done.err
    line = [text for text in done.err.splitlines() if "aslr" in text]
    assert len(line) == 1 and "null (" in line[0], done.err
    with open(bench.path("seen"), encoding="utf-8") as file:
        seen = seen_by(file)
    assert seen == {**TUNED, "proc/sys/kernel/randomize_va_space": "0"}, "the others go on"
    machine.assert_untouched()


def test_a_machine_without_the_knobs(bench):
    machine = Machine(bench)
    for path in BEFORE:
        os.unlink(machine.path(path))
    done = machine.run("--tune", "--", "true")
    assert done.returncode == 0, done.err
    for key in ("governor", "boost", "aslr", "thp_enabled", "thp_defrag", "numa_balancing", "nmi_watchdog"):
        assert len([line for line in done.err.splitlines() if f"tune: {key}: null (" in line]) == 1, done.err
    assert os.listdir(machine.path("run")) == []


def test_restore_keeps_what_it_could_not_put_back(bench):
    machine = Machine(bench)
    killed(machine)
    aslr = machine.path("proc/sys/kernel/randomize_va_space")
    os.unlink(aslr)
    os.mkdir(aslr)
    done = machine.run("--restore")
    assert done.returncode == 5 and "randomize_va_space could not be set back to 0" in done.err, done.err
    with open(machine.path(STATE), encoding="utf-8") as file:
        assert len([line for line in file if "\t" in line]) == 1
    os.rmdir(aslr)
    machine.write("proc/sys/kernel/randomize_va_space", "2")
    assert machine.run("--restore").returncode == 0
    machine.assert_untouched()


def test_state_files_of_another_kind(bench):
    machine = Machine(bench)
    machine.write(STATE, "governor /etc/passwd")
    done = machine.run("--restore")
    assert done.returncode == 5
    one_line(done.err, "not a state file")
    machine.write(STATE, "arenabench-tune 1\npid 1\nboot boot-one\naslr\t/sys/../etc/passwd\t0\t2\nend")
    assert machine.run("--restore").returncode == 5
    machine.write(STATE, "arenabench-tune 1\npid 1\nboot boot-one\naslr\t/proc/sys/kernel/randomize_va_space\t1\t2")
    assert machine.run("--restore").returncode == 0, "a cut one was never complete: nothing had been set"
    machine.write(STATE, "arenabench-tune 1\npid 1\nboot boot-zero\naslr\t/proc/sys/kernel/randomize_va_space\t1\t2\nend")
    done = machine.run("--restore")
    assert done.returncode == 0 and "before the last boot" in done.err, done.err
    machine.assert_untouched()


def test_bad_words(bench):
    machine = Machine(bench)
    for words, part in ((["--tune", "true"], "after a --"), (["--tune", "--restore"], "exclude"), (["--tune", "--json"], "--json"),
                        (["--", "true"], "unexpected word true"), (["--tun"], "unknown option --tun")):
        done = machine.run(*words)
        assert done.returncode == 5, words
        one_line(done.err, part)
    done = bench.run("quick", "--tune")
    assert done.returncode == 5
    one_line(done.err, "--tune goes with the verb doctor alone")
    machine.assert_untouched()


if __name__ == "__main__":
    support.main(globals())
