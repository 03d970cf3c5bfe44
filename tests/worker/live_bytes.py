"""The oracle of live bytes equals a counter inside malloc that shares no line with it, at every one of the 200 samples.

usage: live_bytes.py WORKER LIBRARY"""
import concurrent.futures
import json
import sys
import tempfile

from observe import observe

WORKER, LIBRARY = sys.argv[1:3]
# Every scenario file once, and the scale at which its life takes about 0.1 s under the counter.
SCENARIOS = {"json_dom": 0.1, "binary_trees": 0.1, "request_server": 0.1, "request_open": 0.1, "gc_pacing": 0.2, "alloc_paths_p40": 0.1,
             "alloc_paths_str": 0.1, "alloc_slices_m100": 0.1, "arena_lifecycle_many": 0.05, "refill_1k": 0.2, "zeroing_written_small": 0.1,
             "zeroing_relied_large": 0.5, "empty": 0.1}
SAMPLES = 200
# A life whose objects go as soon as they come holds one at each sample; the others go up and down.
STEADY = {"empty"}
FEW_SIZES = 15  # different counts of live bytes at the samples, at least: else there is nothing to compare


def check(scenario, scale, document):
    """The samples are a run of looks; the look before it is the mark, from which the oracle counts."""
    observation, error = observe(WORKER, {"pass": "memory", "scenario": scenario, "backend": "malloc", "arm": "each", "scale": scale,
                                          "blocks": 3, "options": "rate=20000" if scenario == "request_open" else "-",
                                          "input": [document] if scenario == "json_dom" else []},
                                 {"LD_PRELOAD": LIBRARY})
    looks = [line for line in error.splitlines() if line.startswith("live bytes:")]
    if not looks:
        sys.exit("the counting library was not loaded")
    looks = [int(word) for word in looks[-1].split()[2:]]
    oracle = [row[3] for row in observation["series"]]
    equal = max(sum(looks[start + i] - looks[start - 1] == bytes_ for i, bytes_ in enumerate(oracle))
                for start in range(1, len(looks) - len(oracle) + 1))
    different = len(set(oracle))
    print(f"{scenario}: {equal} of {len(oracle)} samples equal, {different} of them different, {min(oracle)} to {max(oracle)} bytes")
    return equal == len(oracle) == SAMPLES and (scenario in STEADY or different >= FEW_SIZES)


def main():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as document:
        json.dump([{"number": i, "name": "n" * (i % 90), "list": list(range(i % 7)), "inner": {"flag": i % 2 == 0}} for i in range(3000)],
                  document)
        document.flush()
        # An arm that frees nothing still ends its objects' lives: only arm each can be compared with malloc's own books.
        # Several at a time: each sleeps a second at its end, to see what is given back late.
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            good = list(pool.map(lambda one: check(*one, document.name), SCENARIOS.items()))
        sys.exit(0 if all(good) else 1)


main()
