# How lit finds and runs the text tests: lit --param build=<build folder> tests. SPDX-License-Identifier: Apache-2.0
#   --param engines=NAMES   engines of %run (default: interp, the JIT at three widths, threaded code; see tests/tools/ptxrun.cpp)
import os
import shutil

import lit.formats

source = os.path.dirname(os.path.abspath(__file__))
build = os.path.abspath(lit_config.params.get("build", os.path.join(source, "..", "build", "release")))
binaries = os.path.join(build, "bin")
engines = lit_config.params.get("engines", "")

config.name = "anywarp"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".ptx", ".test"]
config.excludes = ["Inputs", "tools", "CMakeLists.txt"]
config.test_source_root = source
config.test_exec_root = os.path.join(build, "tests")

for name in ("HOME", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
for name, value in os.environ.items():
    if name.startswith("ANYWARP_"):
        config.environment[name] = value

filecheck = shutil.which("FileCheck-19") or shutil.which("FileCheck") or "/usr/lib/llvm-19/bin/FileCheck"
run = os.path.join(binaries, "ptxrun") + (" --engine=" + engines if engines else "")
forms = os.path.join(binaries, "ptxforms") + (" --engine=" + engines if engines else "")
config.substitutions += [
    ("%forms", forms),
    ("%fuzz", os.path.join(binaries, "ptxfuzz") + (" --engine=" + engines if engines else "")),
    ("%run", run),
    ("%anywarp", os.path.join(binaries, "anywarp")),
    ("%bin", binaries),
    ("%lib", os.path.join(build, "lib")),
    ("FileCheck", filecheck),
]
