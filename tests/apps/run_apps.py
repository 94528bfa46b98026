#!/usr/bin/env python3
"""Builds real CUDA programs with nvcc and runs each under `anywarp run`; prints a table. SPDX-License-Identifier: Apache-2.0

The programs are not part of this repository: give the folder of an unmodified checkout.
    tests/apps/run_apps.py --samples ~/cuda-samples --out /tmp/apps            (or ANYWARP_CUDA_SAMPLES)
    tests/apps/run_apps.py --hecbench ~/HeCBench --out /tmp/apps               (or ANYWARP_HECBENCH)
Exit code: 0 all chosen programs pass or are skipped with a reason, 1 some fail, 2 wrong usage.
"""
import argparse
import collections
import concurrent.futures
import csv
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


# In the column of build flags: a kernel beside the executable, sources to leave out or to take from Common, files of the toolkit
# to put beside it, the environment to run in.
OUR_FLAGS = ("-kernel=", "-without=", "-common=", "-beside=", "-env=")


def read_table(name):
    with open(HERE / name) as f:
        rows = csv.reader((line for line in f if not line.startswith("#")), delimiter="\t")
        return [row + [""] * (6 - len(row)) for row in rows if row]


class Program:
    """One row of programs.tsv: suite, folder, build flags, arguments, text that a pass prints, reason to skip."""

    def __init__(self, row, roots):
        self.suite, self.folder, self.flags, self.args, self.expect, self.skip = row[:6]
        self.root = roots[self.suite]
        self.source = self.root / {"samples": "Samples", "hecbench": "src", "rodinia": "cuda"}[self.suite] / self.folder
        self.name = pathlib.Path(self.folder).name

    def out(self, base):
        return base / self.suite / self.name

    def binary(self, base):
        return self.source / "main" if self.suite == "hecbench" else self.out(base) / self.name

    def folder_to_run_in(self, base):
        return self.source if self.suite == "hecbench" else self.out(base)


def sources(program):
    found = []
    for folder in (program.source, program.source / "src"):
        for pattern in ("*.cu", "*.cpp", "*.cc", "*.c"):
            found += sorted(folder.glob(pattern))
    found += [program.root / "Common" / name for name in re.findall(r"-common=(\S+)", program.flags)]
    leave = re.findall(r"-without=(\S+)", program.flags)
    return [f for f in found if f.name not in leave]


def kernel_commands(program, out, arch):
    """Driver-API samples load a fat binary or PTX from beside the executable."""
    commands = []
    for spec in re.findall(r"-kernel=(\S+)", program.flags):
        source, target = spec.split(":")
        kind = "-fatbin" if target.endswith("fatbin") else "-ptx"
        gencode = [f"-gencode=arch={arch},code={arch}"] if kind == "-fatbin" else [f"-arch={arch}"]
        commands.append(["nvcc", kind, *gencode, "-I", str(program.root / "Common"), "-o", str(out / target),
                         str(program.source / source)])
    return commands


def compile_commands(program, options, out):
    if program.suite == "hecbench":  # its makefiles build in place
        arch = "native" if options.arch == "default" else options.arch
        return [["make", "-s", f"ARCH={arch}", *program.flags.split()]]
    flags = [f for f in program.flags.split() if not f.startswith(OUR_FLAGS)]
    includes = ["-I", str(program.source), "-I", str(program.source / "inc")]
    if program.suite == "samples":
        includes += ["-I", str(program.root / "Common")]
    gencode = [] if options.arch == "default" else [f"-gencode=arch={options.arch},code={options.arch}"]
    main = ["nvcc", *gencode, "-O2", "-std=c++17", "-diag-suppress", "177", *includes, "-o", str(program.binary(options.out)),
            *map(str, sources(program)), *flags]
    return kernel_commands(program, out, options.arch) + [main]


def build(program, options):
    out = program.out(options.out)
    if program.binary(options.out).exists() and not options.rebuild:
        return True
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "build.log", "w") as log:
        for command in compile_commands(program, options, out):
            log.write(" ".join(command) + "\n")
            log.flush()
            try:
                done = subprocess.run(command, stdout=log, stderr=log, cwd=program.source, timeout=900)
            except subprocess.TimeoutExpired:
                return False
            if done.returncode:
                return False
    return True


def first_error(text):
    for pattern in (r"anywarp: (?:error|warn).*", r".*(?:error|Error|ERROR|FAIL|Fail).*"):
        found = re.findall(pattern, text)
        if found:
            return found[0].strip()[:160]
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1][:160] if lines else "no output"


def link_data(program, out):
    for entry in program.source.iterdir():
        target = out / entry.name
        if not target.exists() and entry.suffix != ".cpp":
            target.symlink_to(entry)
    # What the samples' makefiles copy from the toolkit, for NVRTC to find.
    for name in re.findall(r"-beside=(\S+)", program.flags):
        target = out / pathlib.Path(name).name
        if not target.exists():
            target.symlink_to(toolkit() / "include" / name)


def toolkit():
    return pathlib.Path(shutil.which("nvcc")).resolve().parent.parent


def cpu_seconds():
    """Of the programs that have ended so far: what a busy machine does not change."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(program, options):
    """Returns (state, seconds, remark)."""
    if program.skip:
        return "skip", 0.0, program.skip
    out = program.out(options.out)
    if not program.binary(options.out).exists():
        return "build", 0.0, first_error((out / "build.log").read_text() if (out / "build.log").exists() else "")
    out.mkdir(parents=True, exist_ok=True)  # HeCBench's programs may have been built elsewhere
    if program.suite == "samples":
        link_data(program, out)
    command = [*options.anywarp, str(program.binary(options.out)), *program.args.split()]
    environment = dict(os.environ, **dict(pair.split("=") for pair in re.findall(r"-env=(\S+)", program.flags)))
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=program.folder_to_run_in(options.out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, start_new_session=True, env=environment)
    try:
        output, _ = process.communicate(timeout=options.timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        (out / "run.log").write_bytes(output)
        return "timeout", time.monotonic() - start, f"after {options.timeout} s"
    seconds = time.monotonic() - start
    (out / "run.log").write_bytes(output)
    text = output.decode(errors="replace")
    # The samples leave with 2 where the device lacks what they show.
    if process.returncode == 2 and re.search(r"(?i)waiv|support", text):
        return "waived", seconds, first_error(text)
    if process.returncode:
        return "fail", seconds, f"exit {process.returncode}: {first_error(text)}"
    if program.expect and not re.search(program.expect, text):
        return "fail", seconds, f"without /{program.expect}/: {first_error(text)}"
    if not program.expect and re.search(r"(?i)\b(test failed|result = fail|failed!|FAIL\b)", text):
        return "fail", seconds, first_error(text)
    return "pass", seconds, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", default=os.environ.get("ANYWARP_CUDA_SAMPLES"), help="checkout of NVIDIA/cuda-samples")
    parser.add_argument("--hecbench", default=os.environ.get("ANYWARP_HECBENCH"), help="checkout of zjin-lcf/HeCBench")
    parser.add_argument("--rodinia", default=os.environ.get("ANYWARP_RODINIA"), help="checkout of Rodinia")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for executables and logs")
    parser.add_argument("--table", default="programs.tsv", help="list of programs, beside this script")
    parser.add_argument("--anywarp", default=str(ROOT / "build/release/bin/anywarp") + " run", help="command that runs a program; empty: none")
    parser.add_argument("--arch", default="compute_80", help="virtual architecture, or 'default' for nvcc's own choice")
    parser.add_argument("--filter", default="", help="regular expression on folders")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=120)
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--run-only", action="store_true")
    parser.add_argument("--rebuild", action="store_true")
    options = parser.parse_args()
    options.anywarp = options.anywarp.split()
    roots = {k: pathlib.Path(v) for k in ("samples", "hecbench", "rodinia") if (v := getattr(options, k))}
    programs = [Program(row, roots) for row in read_table(options.table) if row[0] in roots and re.search(options.filter, row[1])]
    if not programs:
        parser.error("no program chosen: give --samples, --hecbench or --rodinia")
    if not options.run_only:
        sources = list({p.source: p for p in programs if not p.skip}.values())  # a program may be run with several arguments
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for program, good in zip(sources, pool.map(lambda p: build(p, options), sources)):
                if not good:
                    print(f"does not build: {program.folder} (see {program.out(options.out)}/build.log)", file=sys.stderr)
    if options.build_only:
        return 0
    counts = {}
    several = collections.Counter(p.folder for p in programs)
    print("| program | result | seconds | CPU seconds | remark |\n| --- | --- | --- | --- | --- |")
    for program in programs:
        before = cpu_seconds()
        state, seconds, remark = run(program, options)
        counts[state] = counts.get(state, 0) + 1
        remark = remark.replace("|", "\\|")
        name = " ".join([program.folder, program.args] if several[program.folder] > 1 else [program.folder])
        print(f"| {program.suite}/{name} | {state} | {seconds:.1f} | {cpu_seconds() - before:.1f} | {remark} |", flush=True)
    print("\n" + ", ".join(f"{n} {state}" for state, n in sorted(counts.items())))
    return 1 if set(counts) - {"pass", "skip", "waived"} else 0


if __name__ == "__main__":
    sys.exit(main())
