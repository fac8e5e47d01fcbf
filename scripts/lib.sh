# shellcheck shell=bash disable=SC2034
# Shared by the commands in scripts/: sourced, never run.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# The tools that setup keeps inside the checkout (today: Node), away from the rest of the machine.
tools_dir=$root/.dev/tools
# Where cargo puts what it builds. A relative one begins where the command was called, which many leave for the root.
if [ -n "${CARGO_TARGET_DIR:-}" ]; then
    CARGO_TARGET_DIR=$(realpath -m -- "$CARGO_TARGET_DIR")
    export CARGO_TARGET_DIR
fi
target_dir=${CARGO_TARGET_DIR:-$root/target}

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# version_at_least HAVE WANT: compares dotted version numbers.
version_at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# The oldest Rust that the workspace accepts, from Cargo.toml.
wanted_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$root/Cargo.toml"; }
# The oldest Node that the dashboard's build accepts.
wanted_node() { sed -n 's/^ *"node": ">=\([0-9.]*\)".*/\1/p' "$root/dashboard/package.json"; }

# find_tool NAME WANTED PLACE...: prints the first of PATH and the given places whose version is new enough.
find_tool() {
    local name=$1 wanted=$2 place version
    shift 2
    for place in "$(command -v "$name" || true)" "$@"; do
        [ -x "$place" ] || continue
        version=$("$place" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1) || continue
        if version_at_least "$version" "$wanted"; then
            printf '%s\n' "$place"
            return 0
        fi
    done
    return 1
}

find_cargo() { find_tool cargo "$(wanted_rust)" /usr/bin/cargo "${CARGO_HOME:-$HOME/.cargo}/bin/cargo"; }
find_node() { find_tool node "$(wanted_node)" "$tools_dir/node/bin/node"; }

# Put what setup found or installed first in PATH. What PATH gives already stays: its folder, moved forward, could bring
# another version of the next tool along.
use_cargo() {
    local cargo
    cargo=$(find_cargo) || die "no Rust $(wanted_rust) or later: run scripts/setup"
    [ "$cargo" = "$(command -v cargo || true)" ] || export PATH="${cargo%/*}:$PATH"
}
use_node() {
    local node
    node=$(find_node) || die "no Node $(wanted_node) or later: run scripts/setup"
    [ "$node" = "$(command -v node || true)" ] || export PATH="${node%/*}:$PATH"
}

# The Windows agent is built apart from the rest: perhaps by another compiler.
windows_target=x86_64-pc-windows-gnu
windows_dir=$target_dir/windows

# Whether this Rust has the standard library for Windows (rustup target add x86_64-pc-windows-gnu). Debian's has not, but
# its package rust-web-src has the source, from which cargo builds it.
has_windows_std() { [ -d "$(rustc --print sysroot)/lib/rustlib/$windows_target/lib" ]; }

# cargo_windows SUBCOMMAND ARGUMENTS...: cargo for the Windows agent.
cargo_windows() {
    local subcommand=$1
    shift
    if has_windows_std; then
        cargo "$subcommand" --target "$windows_target" --target-dir "$windows_dir" "$@"
    else
        # The option of building the standard library is behind a switch that stable compilers have for their own build.
        PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1 /usr/bin/cargo "$subcommand" -Zbuild-std=std,panic_abort \
            --target "$windows_target" --target-dir "$windows_dir" "$@"
    fi
}

# Wine, for tests of the Windows agent. Called so because the program in PATH insists on the 32-bit half.
wine=/usr/lib/wine/wine64
wineserver=/usr/lib/wine/wineserver64

# Prints the directory of the newest installed Postgres (15 or later) that has a server.
postgres_bin() {
    local dir best=
    while IFS= read -r dir; do
        [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] && best=$dir
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V)
    if [ -z "$best" ] && dir=$(command -v initdb) && dir=$(dirname "$(readlink -f "$dir")") && [ -x "$dir/postgres" ]; then
        best=$dir
    fi
    [ -n "$best" ] || return 1
    printf '%s\n' "$best"
}

# Builds the dashboard into dashboard/dist when its sources have changed since the last build.
build_dashboard() {
    local state stamp=$root/.dev/dashboard-built-from log=$root/.dev/dashboard-build.log
    state=$(cd "$root/dashboard" && find . \( -path ./node_modules -o -path ./dist -o -path ./e2e \) -prune -o -type f -print0 |
        sort -z | xargs -0 sha256sum | sha256sum)
    if [ -e "$root/dashboard/dist/index.html" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$state" ]; then return 0; fi
    say "building the dashboard"
    mkdir -p "$root/.dev"
    if ! (cd "$root/dashboard" && npm run --silent build) >"$log" 2>&1; then
        cat "$log" >&2
        die "the dashboard could not be built"
    fi
    printf '%s\n' "$state" >"$stamp"
}

# port_in_use PORT: true if something listens there on the loopback.
port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# stop PID NAME SECONDS: asks the process to end, insists after that time.
stop() {
    local pid=$1 name=$2 tries=$(($3 * 10))
    kill -TERM "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do
        if [ "$tries" -le 0 ]; then
            warn "$name did not stop within $3 s: killing it"
            kill -KILL "$pid" 2>/dev/null || true
            return 0
        fi
        tries=$((tries - 1))
        sleep 0.1
    done
}
