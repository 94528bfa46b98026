#!/bin/bash
# Installs what the tests need, builds, and runs every test; the last line is the summary. SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. scripts/install_packages.sh
. scripts/configure_release.sh
installPackages g++ cmake ninja-build git llvm-19-dev llvm-19-tools libzstd-dev liblz4-dev libfmt-dev libcli11-dev \
    nlohmann-json3-dev libpng-dev libgtest-dev libdnnl-dev python3
configureRelease -DANYWARP_TESTS=ON -DANYWARP_BENCH=ON
cmake --build --preset release
exec scripts/run_tests.py build/release
