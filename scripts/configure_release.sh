# Sourced by quickstart.sh and check.sh: configures build/release. SPDX-License-Identifier: Apache-2.0

# Several files at once are compiled in half the time; a build that is here already stays as it is.
configureRelease() {
    local together=(-DCMAKE_UNITY_BUILD=ON)
    [ ! -f build/release/CMakeCache.txt ] || together=()
    cmake --preset release "${together[@]}" "$@"
}
