"""Pass counters on a PMU whose every count is known: user and kernel apart, by phase, scaled, with the share that ran beside them.

usage: phases.py WORKER   (scenario phases on the planted PMU: tests/worker/hx_phases.c, planted/pmu.h)"""
import sys

from observe import observe

BLOCKS, LIVES, ITEMS = 2, 3, 40
# Instructions of one life, user and kernel: what hx_phases.c does in each phase.
LIFE = {"alloc": (ITEMS * 100, ITEMS * 8), "use": (5000, 40), "release": (300, 20), "idle": (60, 80)}
CYCLES = {"user": 2, "kernel": 5}
GROUP = "core;cycles_user,u,0,0x0,0x0,0x0;cycles_kernel,k,0,0x0,0x0,0x0;instructions_user,u,0,0x1,0x0,0x0;instructions_kernel,k,0,0x1,0x0,0x0"
NEVER, RARELY = "never scheduled", "scheduled under 25 % of the time"
failures = []


def count(threads=1, environment=None):
    """(phase, metric) -> value, or the reason why there is none."""
    observation, _ = observe(sys.argv[1], {"pass": "counters", "scenario": "phases", "backend": "bump", "threads": threads, "blocks": BLOCKS,
                                           "events": [GROUP]}, environment)
    return {(row["phase"], row["metric"]): row["value"] if row["reason"] is None else row["reason"] for row in observation["metrics"]}


def wanted(phase, side, lives):
    """Instructions of a phase; "all" is the phases of the blocks, without what lies between lives. Set-up holds the rehearsal: one cycle."""
    index = ("user", "kernel").index(side)
    if phase == "setup":
        return LIVES * sum(counts[index] for counts in LIFE.values())
    if phase == "all":
        return lives * sum(LIFE[part][index] for part in ("alloc", "use", "release"))
    return lives * LIFE[phase][index]


def hold(what, found, value):
    if found != value and not (isinstance(found, (int, float)) and isinstance(value, (int, float)) and abs(found - value) < 1e-6):
        failures.append(f"{what}: {found}, expected {value}")


def hold_phase(what, found, phase, threads, share, reason=None):
    for side in ("user", "kernel"):
        for event, each in (("instructions", 1), ("cycles", CYCLES[side])):
            value = wanted(phase, side, BLOCKS * LIVES) * each * threads if reason is None else reason
            hold(f"{what}, {phase}, {event}_{side}", found[(phase, f"{event}_{side}")], value)
            hold(f"{what}, {phase}, {event}_{side}_running", found[(phase, f"{event}_{side}_running")], share if reason is None else reason)


def main():
    found = count()
    for phase in ("setup", "alloc", "use", "release", "idle", "all"):
        hold_phase("a PMU of its own", found, phase, 1, 1)
    hold("ops", found[("all", "ops")], BLOCKS * LIVES * ITEMS)

    found = count(environment={"PLANTED_SHARES": "1,0.5,0.25,0.2"})
    for phase, share in (("alloc", 1), ("use", 0.5), ("release", 0.25)):
        hold_phase("shared", found, phase, 1, share)
    hold_phase("shared", found, "idle", 1, None, RARELY)

    found = count(environment={"PLANTED_SHARES": "1,1,0,0"})
    hold_phase("never in release", found, "alloc", 1, 1)
    for phase in ("release", "idle"):
        hold_phase("never in release", found, phase, 1, None, NEVER)
    found = count(environment={"PLANTED_SHARES": "0,0,0,0"})
    for phase in ("setup", "alloc", "use", "release", "idle", "all"):
        hold_phase("never at all", found, phase, 1, None, NEVER)

    found = count(threads=2)
    for phase in ("alloc", "use", "release", "idle", "all"):
        hold_phase("two threads", found, phase, 2, 1)
    found = count(threads=2, environment={"PLANTED_SECOND": "0.5"})
    for phase in ("alloc", "use", "release", "idle", "all"):
        hold_phase("two threads, one sharing", found, phase, 2, 0.5)
    found = count(threads=2, environment={"PLANTED_SECOND": "0"})
    hold_phase("two threads, one never counted", found, "alloc", 2, None, NEVER)
    print("\n".join(failures) if failures else "seven machines: every count and every share as planted")
    sys.exit(1 if failures else 0)


main()
