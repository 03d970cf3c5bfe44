#!/usr/bin/env python3
"""naive_vectors.py PROGRAM FOLDER [FILES]: golden files that nobody recorded.

Why: golden_replay has to take any file of its formats, and the recorded ones are few. A model of Go's arenas that knows nothing of libua
(free ranges, lists and counters as plain Python) writes random files; then each of a list of damaged ones has to give one line and
exit 1. No bitmap words are shared with the allocator: a bit a word, set one by one.
"""
import json
import os
import random
import shutil
import subprocess
import sys

CHUNK, LARGEST, PAGE = 8 << 20, 2 << 20, 8192
SIZES = {"p": 8, "w": 8, "h": 2, "b": 1}


def up(at, align):
    return -(-at // align) * align


def shape(name):
    """Size, alignment and pointer words of a spelled type."""
    if name[0] == "[":
        count, _, rest = name[1:].partition("]")
        size, align, words = shape(rest)
        return size * int(count), align, [i * size // 8 + word for i in range(int(count)) for word in words]
    at, align, words = 0, 1, []
    while name:
        count = 1
        if name[0] == "[":
            text, _, name = name[1:].partition("]")
            count = int(text)
        size = SIZES[name[0]]
        at, align = up(at, size), max(align, size)
        if name[0] == "p":
            words += [at // 8 + i for i in range(count)]
        at, name = at + size * count, name[1:]
    return up(at, align), align, words


def random_type(dice):
    fields = [dice.choice("pwhbpw") for _ in range(dice.randint(1, 9))]
    fields += [f"[{dice.randint(0, 9)}]{dice.choice('pwhb')}" for _ in range(dice.randint(0, 2))]
    return (f"[{dice.choice([1, 2, 3, 64, 65, 129, 300])}]" if dice.random() < 0.3 else "") + "".join(fields)


class Chunk:
    def __init__(self):
        self.low, self.high, self.number, self.held = 0, CHUNK, None, 0


class Model:
    """One process of Go with arenas; each step appends a line. `heap`: objects outside arenas; without them marks are opened too."""

    def __init__(self, seed, heap):
        self.dice, self.heap = random.Random(seed), heap
        self.arenas, self.slots, self.delta = {}, {}, {}
        self.reuse, self.recycled, self.quarantine, self.chunks = [], [], [], []
        self.unused = self.fault = self.numbered = self.marked_waiting = 0
        self.last = None
        self.lines = [{"op": "begin", "chunk_bytes": CHUNK, "lists": self.lists()}]

    def lists(self):
        return {"fault": self.fault, "ready": self.unused + len(self.recycled), "quarantine": len(self.quarantine),
                "reuse": len(self.reuse)}

    def add(self, **changes):
        for name, change in changes.items():
            self.delta[name] = self.delta.get(name, 0) + change

    def line(self, op, **members):
        changed = {name: change for name, change in self.delta.items() if change}
        self.lines.append({"op": op, "delta": changed, "lists": self.lists(), "result": {}, **members})
        self.delta = {}

    def allocated(self, size, **more):
        self.add(heap_in_use=size, heap_live=size, in_heap=size, total_alloc=size, large_alloc=size, large_alloc_count=1, **more)

    def faulted(self, count):
        size = CHUNK * count
        self.add(committed=-size, heap_in_use=-size, heap_live=-size, in_heap=-size, total_free=size, large_free=size,
                 large_free_count=count)

    def take(self):
        if self.reuse:
            return self.reuse.pop()
        self.allocated(CHUNK, committed=CHUNK)
        if self.recycled:
            chunk = self.recycled.pop()
            chunk.low, chunk.high = 0, CHUNK
            return chunk
        self.unused = (self.unused or 8) - 1
        self.chunks.append(Chunk())
        return self.chunks[-1]

    def new(self):
        slot = next(i for i in range(9) if i not in self.arenas)
        self.arenas[slot] = [self.take()]
        self.line("arena_new", arena=slot, scan_alloc="not measured")

    def place(self, chunk, size, align, words):
        """The offset in the chunk, or None."""
        if words:
            at = up(chunk.low, align)
            if at + size > chunk.high:
                return None
            chunk.low = at + size
        else:
            at = (chunk.high - size) // align * align
            if at < chunk.low:
                return None
            chunk.high = at
        return at

    def allocate(self, slot, name, count):
        size, align, words = shape(name)
        step = {"arena": slot, "type": name} if count is None else {"arena": slot, "type": name, "cap": count}
        op, total = ("new", size) if count is None else ("slice", size * count)
        if total > LARGEST and not self.heap:
            return
        self.last = None
        if total == 0:
            self.line(op, **dict(step, result={"at": "zero"}))
        elif total > LARGEST:
            self.allocated(up(total, PAGE))
            self.line(op, **dict(step, result={"at": "heap"}, scan_alloc="not measured"))
        else:
            held = self.arenas[slot]
            refills = len(held)
            while (at := self.place(held[-1], total, align, words)) is None:
                held.append(self.take())
            chunk = self.last = held[-1]
            if chunk.number is None:
                chunk.number, self.numbered = self.numbered, self.numbered + 1
            if len(held) != refills:
                step["scan_alloc"] = "not measured"
            elif words:
                self.add(scan_alloc=total - size + 8 * (words[-1] + 1))
            self.line(op, **dict(step, result={"at": "chunk", "chunk": chunk.number, "offset": at, "free": [chunk.low, chunk.high]}))

    def sweep(self):
        """A mark has ended: what waits and is held was marked, at 8 MiB each."""
        held = [chunk for chunk in self.quarantine if chunk.held]
        self.recycled += [chunk for chunk in self.quarantine if not chunk.held]
        self.add(heap_live=CHUNK * (len(held) - self.marked_waiting))
        self.quarantine, self.marked_waiting = held, len(held)

    def forget(self):
        self.lines.append({"op": "forget_chunks"})
        self.numbered = 0
        for chunk in self.chunks:
            chunk.number = None

    def collect(self, **members):
        self.lines.append({"op": "gc", "lists": self.lists(), **members})
        self.delta = {}
        self.forget()

    def free(self, slot, how):
        *full, active = self.arenas.pop(slot)
        if how == "abandon":
            self.lines.append({"op": "abandon", "arena": slot})
            self.sweep()
        self.reuse.append(active)
        if how == "mark":
            self.fault = len(full)
            self.line("arena_free", arena=slot, during="mark", scan_alloc="not measured")
            self.sweep()
            self.fault = 0
            self.forget()
        self.quarantine += full
        self.faulted(len(full))
        if how == "free":
            self.line("arena_free", arena=slot, scan_alloc="not measured")
        if how == "abandon":
            self.collect(cycles=1, finalizers="run")

    def hold_or_drop(self):
        if self.slots and self.dice.random() < 0.5:
            slot = self.dice.choice(sorted(self.slots))
            self.slots.pop(slot).held -= 1
            self.lines.append({"op": "drop", "slot": slot})
        elif self.last is not None:
            slot = max(self.slots, default=-1) + 1
            self.slots[slot] = self.last
            self.last.held += 1
            self.lines.append({"op": "hold", "slot": slot, "what": "last result"})

    def step(self, names):
        chance = self.dice.random()
        if not self.arenas or (chance < 0.06 and len(self.arenas) < 5):
            return self.new()
        slot = self.dice.choice(sorted(self.arenas))
        if chance < 0.13:
            return self.free(slot, self.dice.choice(["free", "free", "abandon", "free" if self.heap else "mark"]))
        if chance < 0.17:
            self.sweep()
            return self.collect(cycles=self.dice.randint(1, 3))
        if chance < 0.22:
            return self.hold_or_drop()
        name = self.dice.choice(names)
        size = max(shape(name)[0], 1)
        wanted = self.dice.choice([0, 1, 100, 5000, 100000, 1000000, LARGEST, LARGEST + size, 2500000])
        return self.allocate(slot, name, None if chance < 0.5 else wanted // size)


def write_steps(path, seed):
    model = Model(seed, heap=seed % 2 == 0)
    names = [random_type(model.dice) for _ in range(12)] + ["b", "p", "pw", "[512]b", "[0]p"]
    for _ in range(250):
        model.step(names)
    write_lines(path, model.lines)


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")


def write_bitmaps(path, seed):
    dice, lines = random.Random(seed), []
    for limit in [3000, 60000, 1000000, CHUNK] * 3:
        names = [name for name in (random_type(dice) for _ in range(8)) if shape(name)[2]] + ["p"]
        at, allocs, words = 0, [], []
        for _ in range(400):
            name, count = dice.choice(names), dice.choice([1, 2, 3, 4, 5, 9, 64, 257, 5000])
            size, _, own = shape(name)
            if size * count <= LARGEST and at + size * count <= limit:
                allocs.append({"type": name, "offset": at, "cap": count})
                words += [at // 8 + i * size // 8 + word for i in range(count) for word in own]
                at += size * count
        while limit == CHUNK and at < limit: # to the chunk's last word
            count = min((limit - at) // 8, LARGEST // 8)
            allocs.append({"type": "p", "offset": at, "cap": count})
            words += range(at // 8, at // 8 + count)
            at += 8 * count
        lines.append({"op": "bitmap", "allocs": allocs, "bytes": at, "ptr_words": words, "start_in_chunk": 0})
    write_lines(path, lines)


BEGIN = '{"op":"begin"}\n{"op":"arena_new","arena":0}\n'
DAMAGED = {
    "cap.jsonl": BEGIN + '{"op":"slice","arena":0,"type":"b","cap":"7"}\n',
    "below.jsonl": BEGIN + '{"op":"slice","arena":0,"type":"b","cap":-7}\n',
    "type.jsonl": BEGIN + '{"op":"new","arena":0,"type":"[x]p"}\n',
    "arena.jsonl": BEGIN + '{"op":"new","arena":3,"type":"p"}\n',
    "counter.jsonl": BEGIN + '{"op":"new","arena":0,"type":"p","delta":{"colour":1}}\n',
    "cut.jsonl": BEGIN + '{"op":"new","are',
    "zero.jsonl": BEGIN + '\0{"op":"new","arena":9,"type":"p"}\n',
    "chunk.jsonl": '{"op":"begin","chunk_bytes":4096}\n',
    "bytes.jsonl": '{"op":"bitmap","allocs":[{"type":"p","offset":0}],"bytes":99999999,"ptr_words":[0]}\n',
    "unknown.jsonl": '{"op":"dance"}\n',
    "unknown.csv": "a,b,c\n1,2,3\n",
    "columns.csv": "# scenario,op,type\n0,init,-\n",
    "cell.csv": "# scenario,op,type\n0,new,T,8x,8,1,-1,0,8,8388608,2,1*1 0*2,1*3\n",
    "trace.csv": "# op,args\nstart,1,2,3,4,|,0\n",
}


def replay(program, folder):
    return subprocess.run([program, folder], capture_output=True, text=True, check=False)


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    files = int(sys.argv[3]) if len(sys.argv) > 3 else 16
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, "sound"))
    for seed in range(files):
        write_steps(os.path.join(folder, "sound", f"steps-{seed}.jsonl"), seed)
    write_bitmaps(os.path.join(folder, "sound", "bitmaps.jsonl"), files)
    done = replay(program, os.path.join(folder, "sound"))
    bad = [line for line in done.stdout.splitlines() if not line.startswith("ok ")]
    print("\n".join(bad), done.stderr)
    failed = done.returncode != 0 or bad != [f"{files + 1} passed, 0 failed"]
    for name, text in DAMAGED.items():
        own = os.path.join(folder, name.replace(".", "-"))
        os.makedirs(own)
        with open(os.path.join(own, name), "w", encoding="utf-8") as file:
            file.write(text)
        done = replay(program, own)
        lines = done.stdout.splitlines()
        if done.returncode != 1 or len(lines) != 2 or not lines[0].startswith(f"FAIL {name}"):
            print(f"{name}: exit {done.returncode}, want 1 and one line: {done.stdout}{done.stderr}")
            failed = True
    sys.exit(failed)


main()
