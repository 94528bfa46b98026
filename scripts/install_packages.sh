# Sourced by quickstart.sh and check.sh: installs the Debian packages named that are missing. SPDX-License-Identifier: Apache-2.0

installPackages() {
    local missing=() p
    for p in "$@"; do
        [ "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null)" = "install ok installed" ] || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "error: these packages are missing, and neither root nor sudo is at hand to install them: ${missing[*]}" >&2; return 1; }
        root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -qq)
    local log; log=$(mktemp)
    if ! { "${apt[@]}" install -y --no-install-recommends "${missing[@]}" || { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; }; } >"$log" 2>&1; then
        tail -20 "$log" >&2; rm -f "$log"; return 1
    fi
    rm -f "$log"
}
