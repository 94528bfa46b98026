#!/usr/bin/env python3
"""A program named ptxas is ours under `anywarp run`, but not in a build by nvcc. SPDX-License-Identifier: Apache-2.0

    replaced_ptxas.py ANYWARP FOLDER      exit code: 0 all right, 1 something failed, 77 no compiler here (skipped)
ptxas and nvcc are made-up ones: the first says that it is not ours, the second runs the first with its own arguments.
"""
import pathlib
import shutil
import subprocess
import sys

PTXAS = """
#include <stdio.h>
int main() { puts("theirs"); return 0; }
"""
NVCC = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
  char command[8192] = "";
  snprintf(command, sizeof command, "%s/ptxas --version; true", getenv("FOLDER_OF_PTXAS"));
  return system(command);
}
"""
OURS = "PTX checked and kept"


def build(folder, name, text):
    source = folder / f"{name}.c"
    source.write_text(text)
    subprocess.run(["cc", "-w", source, "-o", folder / name], check=True)
    return folder / name


def main():
    anywarp, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("cc"):
        print("no compiler: skipped")
        return 77
    folder.mkdir(parents=True, exist_ok=True)
    ptxas, nvcc = build(folder, "ptxas", PTXAS), build(folder, "nvcc", NVCC)
    other = shutil.copy(ptxas, folder / "ptxas-of-mine")
    cases = [([ptxas, "--version"], OURS), ([other, "--version"], "theirs"), (["sh", "-c", f"{ptxas} --version"], OURS),
             ([nvcc, "-c"], "theirs"), ([nvcc, "-arch=sm_80", "-cubin"], OURS), ([nvcc, "--cubin"], OURS)]
    good = True
    for command, expected in cases:
        done = subprocess.run([anywarp, "run", *command], env={"PATH": "/usr/bin:/bin", "FOLDER_OF_PTXAS": str(folder)}, capture_output=True,
                              text=True, timeout=60)
        right = done.returncode == 0 and expected in done.stdout
        good &= right
        print(f"{'pass' if right else 'FAIL'} {' '.join(map(str, command))}{'' if right else ': ' + done.stdout + done.stderr}".rstrip())
    left = subprocess.run([ptxas], capture_output=True, text=True, timeout=60)
    return 0 if good and left.stdout == "theirs\n" else 1


if __name__ == "__main__":
    sys.exit(main())
