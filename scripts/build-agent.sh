#!/usr/bin/env bash
# Builds the agent for Linux x86_64 as it is shipped, and prints where it is.
#
#   scripts/build-agent.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

"$root/scripts/setup" agent
use_cargo
cd "$root"
cargo build --release --locked -p gururmm-agent
binary=$target_dir/release/gururmm-agent
say "$("$binary" --version): $binary"
say "sha256 $(sha256sum "$binary" | cut -d' ' -f1), $(($(stat -c %s "$binary") / 1024)) KiB"
