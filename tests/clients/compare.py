#!/usr/bin/env python3
"""The clients' tests under `anywarp run` beside what they offer to machines without a GPU. SPDX-License-Identifier: Apache-2.0

    tests/clients/compare.py --out FOLDER [--sample N] [CLIENT ...]      all clients that have an alternative without one

The alternatives are NUMBA_ENABLE_CUDASIM, TRITON_INTERPRET and tinygrad's PYTHON device. Only tests that pass in both count. Printed are
the sums of their wall times and processor times (with the compilers that they start), the processor time of the whole processes and the
geometric means of the tests' ratios, of wall times and of processor times: beside other work only the latter mean something. The cache
of anywarp is emptied first; with --warm there is a run before the one that is measured.
"""
import argparse
import json
import math
import pathlib
import resource
import shutil
import sys

import run
from clients import CLIENTS

SHORTEST = 0.001  # seconds that pytest tells apart


def processorTime():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def callTimes(record):
    """Test -> wall and processor time of its passed call."""
    found = {}
    for line in record.read_text().splitlines() if record.exists() else []:
        entry = json.loads(line)
        if entry["result"] == "passed":
            found[entry["test"]] = max(entry["seconds"], SHORTEST), max(entry["processor"], SHORTEST)
        elif entry["result"] != "started":
            found.pop(entry["test"], None)
    return found


def measure(name, options, alternative):
    """(test -> (seconds, processor seconds), processor time of all) of the client's compared files."""
    environment = run.Environment(name, options, alternative)
    root, folder = environment.suiteRoot(), options.out / "results" / f"compare-{environment.name}"
    folder.mkdir(parents=True, exist_ok=True)
    times, start = {}, processorTime()
    for file in run.testFiles(environment, root, options):
        run.runFile(environment, root, file, folder, options)
        times.update({f"{file}::{test}": t for test, t in callTimes(folder / (file.replace("/", ".") + ".jsonl")).items()})
    return times, processorTime() - start


def compare(name, options):
    client = CLIENTS[name]
    options.only = options.only_given or client.compared
    run.Environment(name, options).install()
    cache = options.out / "cache" / f"compare-{name}"
    shutil.rmtree(cache, ignore_errors=True)
    client.environment["ANYWARP_CACHE_DIR"] = str(cache)
    if options.warm:
        measure(name, options, False)
    ours, oursProcessor = measure(name, options, False)
    theirs, theirsProcessor = measure(name, options, True)
    both = sorted(set(ours) & set(theirs))
    if not both:
        print(f"{name}: no test passes in both ({len(ours)} here, {len(theirs)} there)")
        return False
    total = lambda times, which: f"{sum(times[t][which] for t in both):.1f}"
    mean = lambda which: f"{math.exp(sum(math.log(theirs[t][which] / ours[t][which]) for t in both) / len(both)):.2f}"
    print(f"| {name} | {' '.join(f'{k}={v}' for k, v in client.alternative.items())} | {len(both)} | {total(ours, 0)} | {total(theirs, 0)} | "
          f"{total(ours, 1)} | {total(theirs, 1)} | {oursProcessor:.0f} | {theirsProcessor:.0f} | {mean(0)} | {mean(1)} |", flush=True)
    return True


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    able = [name for name, client in CLIENTS.items() if client.alternative]
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"of {', '.join(able)}; all without one")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder outside the tree for environments and results")
    parser.add_argument("--anywarp", type=pathlib.Path, default=run.ROOT / "build/release/bin/anywarp")
    parser.add_argument("--only", action="append", default=[], dest="only_given", metavar="PART", help="test files with PART in their name")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="only every Nth test of a file")
    parser.add_argument("--warm", action="store_true", help="kernels are in the cache already")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one test")
    parser.add_argument("--file-limit", type=float, default=1800, help="seconds for one test file")
    parser.add_argument("--source", action="append", default=[], metavar="CLIENT=URL", help="where a suite's repository is cloned from")
    options = parser.parse_args()
    options.clients = options.clients or able
    options.source = dict(item.split("=", 1) for item in options.source)
    options.out, options.anywarp = options.out.resolve(), options.anywarp.resolve()
    wrong = [name for name in options.clients if name not in able]
    if wrong:
        parser.error(f"no alternative: {wrong[0]}")
    return options


def main():
    options = parse()
    print("| client | alternative | tests | wall s, anywarp | wall s, alternative | processor s, anywarp | processor s, alternative "
          "| all processor s, anywarp | all processor s, alternative | mean of ratios, wall | mean of ratios, processor |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    results = [compare(name, options) for name in options.clients]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
