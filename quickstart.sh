#!/bin/bash
# From a bare Debian 12 to a picture drawn by a CUDA kernel on the CPU: installs what is missing, builds, runs the demo.
# Needs bash, apt, and root or sudo. SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
. scripts/install_packages.sh
. scripts/configure_release.sh

installPackages g++ cmake ninja-build llvm-19-dev libzstd-dev liblz4-dev libfmt-dev libcli11-dev \
    nlohmann-json3-dev libpng-dev
echo "installed after $SECONDS s"

configureRelease -DANYWARP_TESTS=OFF -DANYWARP_BENCH=OFF >build-quickstart.log 2>&1 || { cat build-quickstart.log; exit 1; }
cmake --build --preset release >>build-quickstart.log 2>&1 || { tail -60 build-quickstart.log; exit 1; }
rm -f build-quickstart.log
echo "built after $SECONDS s"

cd "$here"
"$root/build/release/bin/anywarp" run "$root/build/release/bin/demo"
echo
echo "Run your own CUDA program:  $root/build/release/bin/anywarp run PROGRAM ARGS..."
