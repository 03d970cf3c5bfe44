"""Layers: who may include whom (docs/DESIGN.md 2 and 3.1), no cycles, own header first.

  allocator  base < os < acct < meta < heap < gc < arena < debug < include, api; never the harness
  harness    base < measure < record < {worker, backends} {driver} {trace} {gate} < {selftest} {report}; the allocator through include/ alone
  scenarios  the scenario and backend contract alone, never ua.h
  oracles    (tests/**/oracle*) at most one header of ours: the public one of what they check
"""
import os
import re
import common

ALLOCATOR = {name: rank for rank, name in enumerate("base os acct meta heap gc arena debug include".split())}
ALLOCATOR["api"] = ALLOCATOR["include"]
HARNESS = {"base": 0, "measure": 1, "record": 2, "worker": 3, "backends": 3, "driver": 3, "trace": 3, "gate": 3, "selftest": 4, "report": 4}
ONE_PART = {"worker", "backends"}  # rank 3 of the harness: these two belong together, the others do not see each other
CONTRACT = re.compile(r"harness/(backends/hx_backend[a-z_]*\.h|worker/hx_(scenario|probe)\.h|base/[a-z_]+\.h)$")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)


def includes(root, path):
    text = common.code_of(common.read(root, path), keep_strings=True)
    return [(match.group(1), common.line_of(text, match.start())) for match in INCLUDE.finditer(text)]


def resolve(path, name, by_base):
    """The repository file that `name` means, or None for a system header. Base names are unique (lint_names)."""
    candidates = by_base.get(os.path.basename(name), [])
    same = [c for c in candidates if c.endswith("/" + name) or c == name or
            os.path.normpath(os.path.join(os.path.dirname(path), name)) == c]
    return same[0] if same else None


def complaint_of(path, target):
    a, b = path.split("/"), target.split("/")
    if a[0] == "allocator":
        if b[0] != "allocator":
            return "the allocator includes nothing but itself"
        if ALLOCATOR.get(b[1], 99) > ALLOCATOR.get(a[1], -1):
            return f"{a[1]}/ is below {b[1]}/"
        if a[1] == "include" and b[1] == "api":
            return "a public header stands on nothing internal"
    elif a[0] == "harness":
        if b[0] == "allocator":
            if b[1] != "include" or a[1] not in ("backends", "worker"):
                return "only backends/ and worker/ see the allocator, and only its include/"
        elif b[0] == "harness" and len(a) > 2 and len(b) > 2:
            if HARNESS.get(b[1], 99) > HARNESS.get(a[1], -1):
                return f"{a[1]}/ is below {b[1]}/"
            if HARNESS[b[1]] == HARNESS[a[1]] and a[1] != b[1] and not {a[1], b[1]} <= ONE_PART:
                return f"{a[1]}/ and {b[1]}/ do not know each other"
        elif b[0] == "scenarios" and a[1] not in ONE_PART | {"selftest"}:
            return "only the worker knows scenarios"
        elif b[0] == "tests":
            return "programs do not include tests"
    elif a[0] == "scenarios":
        if b[0] != "scenarios" and not CONTRACT.match(target):
            return "a scenario sees only the scenario and backend contract"
    return None


def find_cycle(graph):
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for target in graph.get(node, ()):
            if state.get(target) == "open":
                return trail[trail.index(target):] + [target] if target in trail else [node, target]
            if target not in state:
                cycle = visit(target, trail + [target])
                if cycle:
                    return cycle
        state[node] = "done"
        return None

    for node in sorted(graph):
        if node not in state:
            cycle = visit(node, [node])
            if cycle:
                return cycle
    return None


def check(root):
    paths = common.files(root, ".c", ".h", ".cc")
    by_base, graph, complaints = {}, {}, []
    for path in paths:
        by_base.setdefault(os.path.basename(path), []).append(path)
    for path in paths:
        own = re.sub(r"\.cc?$", ".h", path)
        ours = []
        for index, (name, line) in enumerate(includes(root, path)):
            target = resolve(path, name, by_base)
            if index == 0 and own != path and own in paths and target != own:
                complaints.append(f"{path}:{line}: includes {name} before its own header")
            if target is None:
                continue
            ours.append(target)
            wrong = complaint_of(path, target)
            if wrong:
                complaints.append(f"{path}:{line}: includes {target}: {wrong}")
        graph[path] = ours
        if os.path.basename(path).startswith("oracle"):
            foreign = {target for target in ours if not os.path.basename(target).startswith("oracle")}
            if len(foreign) > 1:
                complaints.append(f"{path}: an oracle includes one header of ours at most: {' '.join(sorted(foreign))}")
    cycle = find_cycle(graph)
    if cycle:
        complaints.append("include cycle: " + " -> ".join(cycle))
    return complaints


CLEAN = {
    "allocator/base/base.h": "#include <stddef.h>\n",
    "allocator/heap/span.h": '#include "base/base.h"\n',
    "allocator/heap/span.c": '#include "heap/span.h"\n#include <string.h>\n',
    "allocator/gc/cycle.h": '#include "heap/span.h"\n',
    "allocator/include/ua.h": "#include <stddef.h>\n",
    "allocator/api/api.c": '#include "include/ua.h"\n#include "gc/cycle.h"\n',
    "harness/base/hx_base.h": "",
    "harness/measure/hx_clock.h": '#include "base/hx_base.h"\n',
    "harness/worker/hx_scenario.h": '#include "base/hx_base.h"\n',
    "harness/backends/hx_backend_arena.h": "#include <ua.h>\n",
    "harness/gate/hx_gate.h": '#include "measure/hx_clock.h"\n',
    "harness/driver/hx_driver.h": '#include "measure/hx_clock.h"\n',
    "scenarios/sc_tree.c": '#include "worker/hx_scenario.h"\n/* #include "ua.h" */\n',
    "tests/gc/oracle_mark.h": '#include "include/ua.h"\n',
}
PLANTED = [
    ({"allocator/heap/span.h": '#include "gc/cycle.h"\n', "allocator/gc/cycle.h": ""}, "heap/ is below gc/"),
    ({"allocator/base/base.h": '#include "base/hx_base.h"\n'}, "the allocator includes nothing but itself"),
    ({"harness/measure/hx_clock.h": '#include "gate/hx_gate.h"\n', "harness/gate/hx_gate.h": ""}, "measure/ is below gate/"),
    ({"harness/gate/hx_gate.h": '#include "driver/hx_driver.h"\n'}, "gate/ and driver/ do not know each other"),
    ({"harness/gate/hx_gate.h": "#include <ua.h>\n"}, "only backends/ and worker/ see the allocator"),
    ({"harness/backends/hx_backend_arena.h": '#include "heap/span.h"\n'}, "and only its include/"),
    ({"scenarios/sc_tree.c": '#include "ua.h"\n'}, "a scenario sees only"),
    ({"allocator/heap/span.c": '#include <string.h>\n#include "heap/span.h"\n'}, "before its own header"),
    ({"allocator/heap/bump.h": '#include "heap/prezero.h"\n', "allocator/heap/prezero.h": '#include "heap/bump.h"\n'}, "include cycle"),
    ({"tests/gc/oracle_mark.h": '#include "include/ua.h"\n#include "heap/span.h"\n'}, "an oracle includes one header"),
]

if __name__ == "__main__":
    common.main(check, CLEAN, PLANTED)
