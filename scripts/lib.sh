# shellcheck shell=bash disable=SC2034
# Shared by the scripts beside it: messages, what must be installed, where Rust comes from. Sourced, never run.

# The version that Cargo.toml asks for.
rust_wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml")

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for hint; do printf 'hint: %s\n' "$hint" >&2; done
    exit 1
}

need_root() {
    [ "$(id -u)" -eq 0 ] || die "this needs root, to make network namespaces" "run: sudo $0 $*"
}

# need_commands COMMAND=PACKAGE…: installs the packages of those commands that are missing.
need_commands() {
    local pair missing=()
    for pair; do
        command -v "${pair%%=*}" > /dev/null 2>&1 || missing+=("${pair#*=}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null 2>&1 ||
        die "these packages are missing: ${missing[*]}" "install them with your distribution's package tool"
    [ "$(id -u)" -eq 0 ] || die "these packages are missing: ${missing[*]}" "run: sudo apt-get install ${missing[*]}"
    say "installing ${missing[*]} …"
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" > /dev/null 2>&1 ||
        { apt-get update > /dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
            "${missing[@]}" > /dev/null; } ||
        die "apt-get could not install ${missing[*]}"
}

# Sets the array CARGO to a cargo that is new enough.
need_rust() {
    # rustup's folder is on the path of login shells only, and sudo may drop it.
    local home
    for home in "$HOME" "$(getent passwd "${SUDO_USER:-root}" | cut -d: -f6)"; do
        [ -d "$home/.cargo/bin" ] && PATH="$PATH:$home/.cargo/bin"
    done
    CARGO=(cargo)
    if command -v cargo > /dev/null 2>&1 && new_enough "$(cargo --version 2> /dev/null | cut -d' ' -f2)"; then
        return
    fi
    # Where it cannot be installed the last line here says what to do.
    command -v rustup > /dev/null 2>&1 || install_rustup || true
    if command -v rustup > /dev/null 2>&1; then
        rustup run "$rust_wanted" cargo --version > /dev/null 2>&1 ||
            rustup toolchain install "$rust_wanted" --profile minimal ||
            die "rustup could not install Rust $rust_wanted"
        CARGO=(rustup run "$rust_wanted" cargo)
        return
    fi
    die "Rust $rust_wanted or newer is needed, and Debian's own is older" \
        "install it with rustup (https://rustup.rs): curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" \
        "then start this script again"
}

# Debian's own Rust is too old, and its rustup package comes with a later release. Fails without a word: the caller
# says what to do.
install_rustup() {
    say "installing Rust $rust_wanted with rustup …"
    command -v curl > /dev/null 2>&1 || apt-get install -y -qq curl ca-certificates > /dev/null 2>&1
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs 2> /dev/null |
        sh -s -- -y -q --profile minimal -c rustfmt -c clippy --default-toolchain "$rust_wanted" > /dev/null 2>&1
    PATH="$PATH:$HOME/.cargo/bin"
}

new_enough() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$rust_wanted" "$1" | sort -V | head -n 1)" = "$rust_wanted" ]
}

# build PACKAGE…: release binaries; sets bin to their folder. PONTOON_BIN names a folder of finished ones instead.
build() {
    if [ -n "${PONTOON_BIN:-}" ]; then
        bin=$(cd "$PONTOON_BIN" && pwd) || die "PONTOON_BIN=$PONTOON_BIN is no folder"
        return
    fi
    need_rust
    local package packages=()
    for package; do packages+=(-p "$package"); done
    say "building $* …"
    "${CARGO[@]}" build --release --locked --quiet "${packages[@]}" || die "the build failed"
    bin=${CARGO_TARGET_DIR:-$PWD/target}/release
}
