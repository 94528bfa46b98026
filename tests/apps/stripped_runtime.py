#!/usr/bin/env python3
"""A stripped program with a static runtime runs when the runtime's archive tells where its functions are. SPDX-License-Identifier: Apache-2.0

    stripped_runtime.py ANYWARP FOLDER      exit code: 0 all right, 1 something failed, 77 no compiler here (skipped)
The runtime is a made-up one with a few functions; what counts is that its own code never runs.
"""
import os
import pathlib
import shutil
import struct
import subprocess
import sys

RUNTIME = """
const char* const texts[] = {"cuGetProcAddress", "cudaErrorNoKernelImageForDevice"};
static int calls, table[64];
void* dlopen(const char*, int);
void* (*opener)(const char*, int) = dlopen;
int cudaRuntimeGetVersion(int* v) { *v = 4711; ++calls; return 0; }
int cudaMallocPitch(void) { return calls + 1; }
void* __cudaRegisterFatBinary(void* p) { ++calls; return p; }
unsigned mix(unsigned a, unsigned b) { for (int i = 0; i < 9; ++i) a = a * CONSTANT ^ b >> 3, b = (b + a) * 2654435761u; return a - b; }
int cudaGetDeviceCount(int* n) { *n = table[calls & 63] + 99; return 0; }
"""
PROGRAM = """
#include <stdio.h>
int cudaRuntimeGetVersion(int*), cudaGetDeviceCount(int*);
void* __cudaRegisterFatBinary(void*);
unsigned mix(unsigned, unsigned);
#if SEGMENT
__attribute__((section(".nvFatBinSegment"), used))
#endif
static int segment[SEGMENT + 1] = {1};
int main(int argc, char** argv) {
  int version = 0, devices = 0;
  if (argc > 5) __cudaRegisterFatBinary(segment);
  int code = cudaRuntimeGetVersion(&version) + cudaGetDeviceCount(&devices);
  printf("%d %d %d %u\\n", code, version, devices, mix(1, 2) ? 1 : 0);
}
"""


def compiled(folder, name, text, *flags):
    source = folder / f"{name}.c"
    source.write_text(text)
    output = folder / f"{name}.o"
    subprocess.run(["cc", "-O1", "-w", "-c", *flags, source, "-o", output], check=True)
    return output


def archive(folder, name, constant):
    path = folder / f"{name}.a"
    path.unlink(missing_ok=True)
    other = compiled(folder, "other", "int nothing;")  # the runtime's object is not the first
    subprocess.run(["ar", "cr", path, other, compiled(folder, name, RUNTIME, "-fPIC", f"-DCONSTANT={constant}u")], check=True)
    return path


def fatbinWithPtx(folder, ptx):
    """An object whose .nv_fatbin holds that text for sm_80."""
    text = ptx.encode() + b"\0"
    text += bytes(-len(text) % 8)
    entry = struct.pack("<HHIQIIHHIIIQQQ", 1, 0x101, 64, len(text), 0, 0, 0, 0, 80, 0, 0, 0x11, 0, 0)
    data = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(entry) + len(text)) + entry + text
    words = ",".join(map(str, data))
    return compiled(folder, "fatbin", f'__attribute__((section(".nv_fatbin"), aligned(8), used)) static unsigned char data[] = {{{words}}};')


def doctorTellsTheRelease(anywarp, folder):
    good = True
    for version, release in [("9.3", "CUDA 13.3"), ("8.4", "CUDA 12.4"), ("8.8", "CUDA 12.9"), ("7.8", "CUDA 11.8")]:
        done = subprocess.run([anywarp, "doctor", fatbinWithPtx(folder, f".version {version}\n.target sm_80\n.address_size 64\n")], capture_output=True, text=True, timeout=60)
        right = f"made with  {release} (PTX {version})" in done.stdout
        good &= right
        print(f"{'pass' if right else 'FAIL'} doctor: {release}{'' if right else done.stdout + done.stderr}")
    return good


def main():
    anywarp, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if not all(map(shutil.which, ("cc", "ar", "strip"))):
        print("no compiler: skipped")
        return 77
    folder.mkdir(parents=True, exist_ok=True)
    own, other = archive(folder, "runtime", 17), archive(folder, "other_release", 18)
    program = folder / "program"
    small = folder / "program_with_one_fat_binary"
    bare = folder / "program_without_device_code"
    for output, words in [(program, 15), (small, 5), (bare, 0)]:
        subprocess.run(["cc", "-o", output, compiled(folder, "main", PROGRAM, f"-DSEGMENT={words}"), own], check=True)
        subprocess.run(["strip", output], check=True)
    broken = []
    whole = own.read_bytes()
    for i, data in enumerate([b"", b"!<arch>\n", whole[:len(whole) // 2], whole[:90], os.urandom(4096), whole.replace(b"\x7fELF", b"\x7fELG")]):
        broken.append(folder / f"broken{i}.a")
        broken[-1].write_bytes(data)
    good = True
    both = pathlib.Path(f"{other}:{own}")
    for path, code, text, *which in [(own, 0, "0 13000 1 1\n"), (both, 0, "0 13000 1 1\n"), (own, 0, "0 13000 1 1\n", bare),
                                     (pathlib.Path(), 0, "0 4711 99 1\n", bare), (other, 0, "0 4711 99 1\n", bare), (pathlib.Path(), 126, ""), (pathlib.Path(), 126, "", small), (other, 126, ""), (folder / "none.a", 126, ""), *((b, 126, "") for b in broken)]:
        done = subprocess.run([anywarp, "run", *(which or [program])], env={**os.environ, "ANYWARP_CUDART_STATIC": str(path) if path.name else "", "ANYWARP_DEVICES": "1"},
                              capture_output=True, text=True, timeout=60)
        right = done.returncode == code and done.stdout == text and (code == 0 or "libcudart_static.a" in done.stderr)
        good &= right
        print(f"{'pass' if right else 'FAIL'} {path.name}: {done.returncode} {done.stdout}{'' if right else done.stderr}".rstrip())
    good &= doctorTellsTheRelease(anywarp, folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
