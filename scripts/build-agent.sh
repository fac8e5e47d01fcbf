#!/usr/bin/env bash
# Builds the agent for Linux x86_64 and Windows x86_64 as it is shipped, and prints where it is.
#
#   scripts/build-agent.sh [--dev] [linux|windows]...
#
# Both systems unless told otherwise. --dev builds quickly, unoptimized, for tests.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# As Cargo.toml has it: small, and whole-program.
profile=agent systems=()
for argument in "$@"; do
    case $argument in
    --dev) profile=dev ;;
    linux | windows) systems+=("$argument") ;;
    *)
        sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 2
        ;;
    esac
done
if [ "${#systems[@]}" = 0 ]; then systems=(linux windows); fi

# Where cargo puts what it builds with the profile.
folder=$profile
if [ "$profile" = dev ]; then folder=debug; fi

say_built() {
    local mebibytes
    mebibytes=$(awk -v bytes="$(stat -c %s "$1")" 'BEGIN { printf "%.2f", bytes / 1048576 }')
    say "$1"
    say "sha256 $(sha256sum "$1" | cut -d' ' -f1), $mebibytes MiB"
}

cd "$root"
for system in "${systems[@]}"; do
    case $system in
    linux)
        "$root/scripts/setup" agent
        use_cargo
        cargo build --profile "$profile" --locked -p gururmm-agent
        say_built "$target_dir/$folder/gururmm-agent"
        ;;
    windows)
        "$root/scripts/setup" agent-windows
        use_cargo
        cargo_windows build --profile "$profile" --locked -p gururmm-agent
        say_built "$windows_dir/$windows_target/$folder/gururmm-agent.exe"
        ;;
    esac
done
