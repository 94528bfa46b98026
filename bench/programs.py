#!/usr/bin/env python3
"""Times whole CUDA programs under `anywarp run` beside their OpenMP versions; prints a table. SPDX-License-Identifier: Apache-2.0

    bench/programs.py --hecbench ~/HeCBench [--out /tmp/programs] [--only REGEX] [--repeat 3] [--seconds 120]

Takes the programs of tests/apps/hecbench.tsv that HeCBench has an OpenMP version of (folder NAME-omp), with the arguments given there.
Those are built with `g++ -O3 -march=native -fopenmp`; target regions run on this machine's threads. Both versions run in turns, ours
with a warm cache. Compared is what both report as the time of their kernels (lines of the same text that give a time), in a second
column the processes' wall time, which holds set-up and the program's own check. A program counts where both report their time.
Exit code: 0, or 2 for wrong usage.
"""
import argparse
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "apps"))
import run_apps  # noqa: E402

UNITS = {"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
         "us": 1e-6, "usec": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6, "ns": 1e-9, "nanoseconds": 1e-9}
NUMBER = r"([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
TIMES = [re.compile(r"(?P<label>.*time.*?)" + NUMBER + r"\s*\(?(?P<unit>[a-z]+)\b\)?", re.I),
         re.compile(r"(?P<label>.*time.*?\((?P<unit>[a-z]+)\).*?)" + NUMBER, re.I)]


def reported(text):
    """Seconds by label (numbers taken out) of the lines that give a time."""
    found = {}
    for line in text.splitlines():
        for pattern in TIMES:
            m = pattern.search(line)
            if not m or m.group("unit").lower() not in UNITS:
                continue
            number = next(g for g in m.groups() if g and re.fullmatch(NUMBER, g))
            label = re.sub(r"[0-9.]+", "#", m.group("label")).strip()
            found[label] = found.get(label, 0) + float(number) * UNITS[m.group("unit").lower()]
            break
    return found


def build_openmp(folder, cuda, binary):
    files = sorted(str(f) for pattern in ("*.cpp", "*.c", "*.cc") for f in folder.glob(pattern))
    makefile = folder / "Makefile"
    defines = re.findall(r"-D[A-Za-z]\w*(?:=\w+)?", makefile.read_text(errors="replace")) if makefile.exists() else []
    command = ["g++", *defines, "-O3", "-march=native", "-fopenmp", "-foffload=disable", "-w", "-fpermissive", "-I" + str(folder), "-I" + str(cuda), *files,
               "-o", str(binary), "-lm"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=300).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def run(command, folder, seconds):
    begin = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    wall = time.monotonic() - begin
    return None if done.returncode < 0 else (wall, reported(done.stdout + done.stderr))


def measure(program, args):
    base = pathlib.Path(args.out)
    twin_folder = program.source.parent / (program.name[: -len("-cuda")] + "-omp")
    twin = base / "openmp" / program.name
    twin.parent.mkdir(parents=True, exist_ok=True)
    cuda = pathlib.Path(args.binaries) / program.name if args.binaries else program.binary(base)
    if not cuda.exists():
        return None, "no CUDA binary: build it with run_apps.py"
    if not twin.exists() and not build_openmp(twin_folder, program.source, twin):
        return None, "OpenMP version does not build with g++"
    arguments = program.args.split()
    ours, theirs = [args.anywarp, "run", str(cuda), *arguments], [str(twin), *arguments]
    if not run(ours, program.source, args.seconds):  # fills the cache
        return None, f"not done in {args.seconds} s"
    times = []
    for _ in range(args.repeat):
        pair = run(ours, program.source, args.seconds), run(theirs, twin_folder, args.seconds)
        if None in pair:
            return None, f"OpenMP version fails or is not done in {args.seconds} s"
        times.append(pair)
    labels = set.intersection(*(set(side[1]) for pair in times for side in pair))
    middle = lambda side, value: statistics.median(value(pair[side]) for pair in times)
    kernel = [middle(side, lambda r: sum(r[1][label] for label in labels)) for side in (0, 1)]
    return (kernel if labels and min(kernel) > 0 else None, [middle(side, lambda r: r[0]) for side in (0, 1)]), ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hecbench", required=True, help="checkout of HeCBench whose CUDA programs are built (run_apps.py does)")
    parser.add_argument("--binaries", help="folder that holds the CUDA programs' binaries by name, otherwise where run_apps.py puts them")
    parser.add_argument("--anywarp", default=str(ROOT / "build/release/bin/anywarp"))
    parser.add_argument("--out", default="/tmp/anywarp-programs")
    parser.add_argument("--only", default="")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=120)
    args = parser.parse_args()
    roots = {"hecbench": pathlib.Path(args.hecbench).resolve()}
    programs = [run_apps.Program(row, roots) for row in run_apps.read_table("hecbench.tsv") if row[0] == "hecbench"]
    ratios = []
    print("| program | ours, kernels (ms) | OpenMP, kernels (ms) | ratio | ours, wall (s) | OpenMP, wall (s) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for program in programs:
        if program.skip or not re.search(args.only, program.name) or not (program.source.parent / (program.name[:-5] + "-omp")).is_dir():
            continue
        result, why = measure(program, args)
        if not result:
            print(f"| {program.name[:-5]} | {why} | | | | |", flush=True)
            continue
        kernel, wall = result
        columns = ["", "", ""]
        if kernel:
            ratios.append(kernel[1] / kernel[0])
            columns = [f"{kernel[0] * 1e3:.3g}", f"{kernel[1] * 1e3:.3g}", f"{ratios[-1]:.2f}"]
        print(f"| {program.name[:-5]} | {' | '.join(columns)} | {wall[0]:.2f} | {wall[1]:.2f} |", flush=True)
    if ratios:
        print(f"\n{len(ratios)} programs report their kernels' time; geometric mean {math.exp(statistics.fmean(map(math.log, ratios))):.2f} of OpenMP's speed, "
              f"{sum(r >= 0.5 for r in ratios)} at half of it or more, {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
