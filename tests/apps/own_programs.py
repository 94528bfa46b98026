#!/usr/bin/env python3
"""Builds the programs of tests/apps/own with nvcc and runs them under `anywarp run`. SPDX-License-Identifier: Apache-2.0

    own_programs.py ANYWARP FOLDER      exit code: 0 all right, 1 something failed, 77 no nvcc here (skipped)
Each is built with the static runtime (nvcc's default), with the shared one, and with relocatable code where it has two units.
"""
import pathlib
import shutil
import subprocess
import sys

OWN = pathlib.Path(__file__).resolve().parent / "own"
ARCH = "-gencode=arch=compute_80,code=compute_80"
# name, sources, flags, what standard output has to contain
PROGRAMS = [
    ("vector_add", ["vector_add.cu"], [], ""),
    ("symbols", ["symbols.cu"], [], ""),
    ("streams", ["streams.cu"], [], ""),
    ("printf", ["printf.cu"], [], "thread 0 of block 1:  3.50 text 1099511627776 x\n"),
    ("assert", ["assert.cu"], [], ""),
    ("last_error", ["last_error.cu"], [], ""),
    ("rdc", ["rdc_main.cu", "rdc_other.cu"], ["-rdc=true"], ""),
    ("per_thread", ["streams.cu"], ["--default-stream=per-thread"], ""),
    ("textures", ["textures.cu"], [], ""),
    ("device_launch", ["device_launch.cu"], ["-rdc=true"], ""),
    ("block_barrier", ["block_barrier.cu"], ["-diag-suppress=20054"], ""),
    ("block_barrier_90", ["block_barrier.cu"], ["-diag-suppress=20054", "-gencode=arch=compute_90,code=compute_90"], ""),
]


def build(name, sources, flags, folder):
    binary = folder / name
    inputs = [OWN / s for s in sources]
    newest = max(f.stat().st_mtime for f in inputs)
    if binary.exists() and binary.stat().st_mtime > newest:
        return binary, ""
    done = subprocess.run(["nvcc", ARCH, "-std=c++17", *flags, "-o", str(binary), *map(str, inputs)], capture_output=True, text=True)
    return (binary, "") if done.returncode == 0 else (None, done.stderr)


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return 124, "", "timed out"
    return done.returncode, done.stdout, done.stderr


def check(name, binary, anywarp, expect):
    code, out, err = run([anywarp, "run", str(binary)])
    if code == 0 and expect in out:
        print(f"pass {name}")
        return True
    print(f"FAIL {name}: exit {code}\n{out}{err}")
    return False


# The loader looks for the toolkit's library in a folder of its own: what it opens there is ours, by the name of theirs.
def check_nvrtc(anywarp, folder):
    libraries = pathlib.Path(shutil.which("nvcc")).resolve().parent.parent / "lib64"
    if not list(libraries.glob("libnvrtc.so*")):
        print("no NVRTC beside nvcc: skipped")
        return True
    binary, error = build("nvrtc", ["nvrtc.cu"], ["-lnvrtc", "-lcuda", f"-L{libraries}", f"-L{libraries}/stubs"], folder)
    if not binary:
        print(f"FAIL nvrtc: does not build\n{error}")
        return False
    code, out, err = run(["env", f"LD_LIBRARY_PATH={libraries}", anywarp, "run", str(binary)])
    print(("pass" if code == 0 else f"FAIL exit {code}\n{out}{err}") + " nvrtc")
    return code == 0


def check_stripped(binary, anywarp, folder):
    stripped = folder / "stripped"
    shutil.copy(binary, stripped)
    subprocess.run(["strip", str(stripped)], check=True)
    code, _, err = run(["env", "ANYWARP_CUDART_STATIC=/none", anywarp, "run", str(stripped)])
    good = code == 126 and "stripped" in err and "--cudart=shared" in err
    toolkit = pathlib.Path(shutil.which("nvcc")).resolve().parent.parent
    for archive in [f for f in (toolkit / "lib64/libcudart_static.a", toolkit / "lib/libcudart_static.a") if f.exists()][:1]:
        code, _, err = run(["env", f"ANYWARP_CUDART_STATIC={archive}", anywarp, "run", str(stripped)])
        good = good and code == 0
    print(("pass" if good else f"FAIL exit {code} {err}") + " stripped")
    return good


def main():
    anywarp, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("nvcc"):
        print("no nvcc on PATH: skipped")
        return 77
    folder.mkdir(parents=True, exist_ok=True)
    good = True
    for name, sources, flags, expect in PROGRAMS:
        for runtime in ("static", "shared"):
            label = f"{name}-{runtime}"
            binary, error = build(label, sources, [*flags, f"--cudart={runtime}"], folder)
            if not binary:
                print(f"FAIL {label}: does not build\n{error}")
                good = False
                continue
            good &= check(label, binary, anywarp, expect)
    good &= check_nvrtc(anywarp, folder)
    good &= check_stripped(folder / "vector_add-static", anywarp, folder)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
