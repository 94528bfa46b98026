#!/usr/bin/env python3
"""What anywarp adds to a Python program: its start, and 20,000 small launches. SPDX-License-Identifier: Apache-2.0

    bench/python_times.py --python VENV/bin/python        a Python that has CuPy, as tests/clients/run.py makes one
"""
import argparse
import pathlib
import resource
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

LAUNCHES = """
import resource, time
import cupy

def processorTime():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

kernel = cupy.RawKernel('extern "C" __global__ void add(float* a, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) a[i] += 1; }', 'add')
a = cupy.zeros(256, dtype=cupy.float32)
for repetition in range(4):  # the first with cold caches
    wall, processor = time.perf_counter(), processorTime()
    for i in range(20000): kernel((1,), (256,), (a, 256))
    cupy.cuda.Device().synchronize()
    print(f"20,000 launches: {time.perf_counter() - wall:.3f} s, processor {processorTime() - processor:.3f} s")
assert float(a[0]) == 80000
"""


def timesOf(command):
    """Wall and processor milliseconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * wall, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--anywarp", type=pathlib.Path, default=ROOT / "build/release/bin/anywarp")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    commands = {"python -c pass": [options.python, "-c", "pass"]}
    commands["anywarp run python -c pass"] = [options.anywarp, "run", *commands["python -c pass"]]
    times = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            times[name].append(timesOf(command))
    for name, all in times.items():
        print(f"{name}: {statistics.median(t[0] for t in all):.1f} ms, processor {statistics.median(t[1] for t in all):.1f} ms")
    subprocess.run([options.anywarp, "run", options.python, "-c", LAUNCHES], check=True)


if __name__ == "__main__":
    main()
