#!/usr/bin/env python3
"""How compile time grows with branches, loops and memory accesses: CPU seconds of `anywarp compile` for generated kernels.

usage: bench/compile_time.py [build/release] [--sizes 50,200,800]
       bench/compile_time.py [build/release] --ptx FILE...    median milliseconds over the kernels of PTX files, by their size
       bench/compile_time.py [build/release] --quick --ptx FILE...    the same for the code that they start in
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import pathlib
import random
import re
import resource
import statistics
import subprocess
import tempfile

REGISTERS = range(5, 40)
HEAD = """.version 8.0
.target sm_80
.address_size 64
.visible .entry grown(.param .u64 out, .param .u32 n) {
.reg .b32 %r<64>; .reg .pred %p<2>; .reg .b64 %rd<6>;
ld.param.u64 %rd1, [out]; ld.param.u32 %r1, [n];
mov.u32 %r2, %tid.x; mov.u32 %r3, %ctaid.x; mov.u32 %r4, %ntid.x; mad.lo.s32 %r2, %r3, %r4, %r2;
mul.wide.u32 %rd2, %r2, 4; add.u64 %rd3, %rd1, %rd2;
"""


class Kernel:
    """A chain of `size` parts of one kind on 35 registers, the same for the same arguments."""

    def __init__(self, kind, size):
        self.random = random.Random(f"{kind}{size}")
        self.lines = [f"add.u32 %r{r}, %r2, {r};" for r in REGISTERS]
        for part in range(size):
            self.arithmetic(4)
            getattr(self, kind)(part)
        self.lines += [f"xor.b32 %r5, %r5, %r{r};" for r in REGISTERS] + ["st.global.u32 [%rd3], %r5;", "ret;"]

    def register(self):
        return f"%r{self.random.choice(REGISTERS)}"

    def arithmetic(self, count):
        for _ in range(count):
            name = self.random.choice(["add.u32", "xor.b32", "mul.lo.u32", "max.u32"])
            self.lines.append(f"{name} {self.register()}, {self.register()}, {self.register()};")

    def branch(self, part, condition):
        self.lines += [f"setp.gt.u32 %p1, {condition};", f"@%p1 bra YES{part};"]
        self.arithmetic(5)
        self.lines += [f"bra MEET{part};", f"YES{part}:"]
        self.arithmetic(4)
        self.lines.append(f"MEET{part}:")

    def divergent(self, part):
        self.branch(part, f"{self.register()}, {self.register()}")

    def uniform(self, part):
        self.branch(part, f"%r1, {part}")

    def loops(self, part):
        self.lines.append(f"AGAIN{part}:")
        self.arithmetic(5)
        self.lines += [f"setp.lt.u32 %p1, {self.register()}, {self.register()};", f"@%p1 bra AGAIN{part};"]

    def memory(self, part):
        self.lines += [f"and.b32 %r50, {self.register()}, 1023;", "mul.wide.u32 %rd4, %r50, 4;", "add.u64 %rd5, %rd1, %rd4;",
                       f"ld.global.u32 {self.register()}, [%rd5];", f"st.global.u32 [%rd3], {self.register()};"]
        self.arithmetic(6)

    def straight(self, part):
        self.arithmetic(10)

    def instructions(self):
        return sum(1 for line in self.lines if not line.endswith(":"))

    def text(self):
        return HEAD + "\n".join(self.lines) + "\n}\n"


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def kernels_of(anywarp, file, quick, limit=60):
    """(milliseconds, PTX instructions) of each kernel that `anywarp compile --all` gets through within `limit` seconds; with `quick`, of
    making the code that runs until a kernel is compiled, where it has such."""
    try:
        text = subprocess.run([anywarp, "compile", "--all"] + ["--quick"] * quick + [file], capture_output=True, text=True, timeout=limit).stdout
    except subprocess.TimeoutExpired as stopped:
        text = (stopped.stdout or b"").decode()
    made = (line for line in text.splitlines() if "  COMPILER: " not in line and "  FAILED: " not in line)
    return [(float(ms), int(count)) for line in made for ms, count in re.findall(r"^ *([\d.]+) ms\s+(\d+) instructions", line)]


def print_medians(anywarp, files, quick):
    rows = [row for file in files for row in kernels_of(anywarp, file, quick)]
    print(f"{'PTX instructions':>17} {'kernels':>8} {'median ms':>10} {'ms each':>8}")
    bounds = [1, 60, 120, 250, 500, 1000, 2000, 10**9]
    for low, high in zip(bounds, bounds[1:]):
        some = [(ms, count) for ms, count in rows if low <= count < high]
        if some:
            each = statistics.median(ms / count for ms, count in some)
            print(f"{f'{low} to {high - 1}' if high < 10**9 else f'{low} up':>17} {len(some):8} {statistics.median(ms for ms, _ in some):10.2f} {each:8.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", default="build/release")
    parser.add_argument("--sizes", default="50,200,800")
    parser.add_argument("--ptx", nargs="+")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    anywarp = pathlib.Path(arguments.build) / "bin" / "anywarp"
    if arguments.ptx:
        return print_medians(anywarp, arguments.ptx, arguments.quick)
    print(f"{'kind':10} {'parts':>6} {'PTX instructions':>17} {'CPU s':>7} {'ms each':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("straight", "memory", "uniform", "divergent", "loops"):
            for size in map(int, arguments.sizes.split(",")):
                kernel = Kernel(kind, size)
                file = pathlib.Path(folder) / f"{kind}{size}.ptx"
                file.write_text(kernel.text())
                seconds = cpu_seconds([anywarp, "compile", file, "-o", "/dev/null"])
                count = kernel.instructions()
                print(f"{kind:10} {size:6} {count:17} {seconds:7.2f} {1000 * seconds / count:8.3f}", flush=True)


if __name__ == "__main__":
    main()
