#!/bin/sh
# usage: scripts/setup.sh [TARGET]     installs what building and testing distill needs and is missing; says nothing if all is there
#   TARGET  aarch64: also what builds for 64-bit ARM on another machine; test-aarch64: also what runs that here;
#           check-arm-targets: a clang, and nothing else
#
# Debian and Ubuntu: as root or through sudo the packages are installed; with neither, the libraries (not the compiler)
# are unpacked into build/deps, where the Makefile looks first. macOS: installed by Homebrew (not tried: no such system was
# at hand). Other systems: prints what to install.
set -u
cd "$(dirname "$0")/.." || exit 1
deps=build/deps
arm_deps=build/deps-aarch64
target=${1:-}
case $target in
    "" | aarch64 | test-aarch64 | check-arm-targets) ;;
    *) echo "usage: scripts/setup.sh [aarch64 | test-aarch64 | check-arm-targets]" >&2; exit 2 ;;
esac
# At home: nothing to add.
case $target,$(uname -m) in check-arm-targets,*) ;; *,aarch64 | *,arm64) target="" ;; esac

# Homebrew's folder of headers, where there is one.
brew=""
[ "$(uname -s)" = Darwin ] && brew=${HOMEBREW_PREFIX:-/opt/homebrew}
[ -z "$brew" ] || [ -d "$brew" ] || brew=/usr/local

# has FILE...: one of the files exists below an include or library folder that the compiler or the Makefile searches.
has() {
    for file in "$@"; do
        for dir in "$deps/usr/include" ${brew:+"$brew/include"} /usr/include /usr/local/include; do
            [ -e "$dir/$file" ] && return 0
        done
    done
    return 1
}

# Shell tests only: this runs before each build and must cost nothing.
find_missing() {
    libraries=""
    tools=""
    if [ "$target" = check-arm-targets ]; then
        command -v clang >/dev/null 2>&1 || command -v "${CLANG:-clang-19}" >/dev/null 2>&1 || tools="clang"
        missing=$tools
        return
    fi
    compiler=${CXX:-g++}
    command -v "${compiler%% *}" >/dev/null 2>&1 || tools="g++"
    command -v make >/dev/null 2>&1 || tools="$tools make"
    command -v nm >/dev/null 2>&1 || tools="$tools binutils"
    has eigen3/Eigen/Core || libraries="$libraries libeigen3-dev"
    has xsimd/xsimd.hpp || libraries="$libraries libxsimd-dev"
    has CLI/CLI.hpp || libraries="$libraries libcli11-dev"
    has fmt/format.h || libraries="$libraries libfmt-dev"
    has catch2/catch.hpp catch2/catch_all.hpp || libraries="$libraries catch2"
    has utf8proc.h || libraries="$libraries libutf8proc-dev"
    has nlohmann/json.hpp || libraries="$libraries nlohmann-json3-dev"
    if [ -n "$target" ]; then
        command -v aarch64-linux-gnu-g++ >/dev/null 2>&1 || tools="$tools g++-aarch64-linux-gnu"
        [ "$target" = aarch64 ] || command -v qemu-aarch64-static >/dev/null 2>&1 || tools="$tools qemu-user-static"
    fi
    missing=$(echo $tools $libraries)
}

# The libraries of ARM that are not headers alone are unpacked into a folder of their own: no package of another
# architecture is installed on this system, and no root is needed.
arm_libraries() {
    arm_missing=""
    for dir in "$arm_deps/usr/lib/aarch64-linux-gnu" /usr/lib/aarch64-linux-gnu; do [ -e "$dir/libutf8proc.a" ] && break; done
    [ -e "$dir/libutf8proc.a" ] || arm_missing="libutf8proc-dev"
    # From version 3 on Catch2 is a library.
    if [ "$target" = test-aarch64 ] && has catch2/catch_all.hpp; then
        for dir in "$arm_deps/usr/lib" "$arm_deps/usr/lib/aarch64-linux-gnu" /usr/lib/aarch64-linux-gnu; do
            [ -e "$dir/libCatch2.a" ] && break
        done
        [ -e "$dir/libCatch2.a" ] || arm_missing="$arm_missing catch2"
    fi
}
fetch_arm_libraries() {
    echo "setup: unpacking $arm_missing for ARM into $arm_deps" >&2
    mkdir -p "$arm_deps/apt/lists/partial" "$arm_deps/apt/archives/partial" && cd "$arm_deps/apt" || exit 1
    arm_apt="apt-get -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::lists=$PWD/lists
        -o Dir::Cache=$PWD -o Dir::State::status=/dev/null -o APT::Sandbox::User="
    # Ubuntu keeps ARM on another server: its main one fails for it, which the check afterwards reports.
    $arm_apt update >/dev/null 2>&1
    for package in $arm_missing; do
        $arm_apt download "$package" >/dev/null 2>&1 && dpkg-deb -x "$package"_*.deb ..
    done
    cd ../../.. || exit 1
    rm -rf "$arm_deps/apt"
}
finish() {
    case $target in "" | check-arm-targets) exit 0 ;; esac
    arm_libraries
    [ -z "$arm_missing" ] && exit 0
    command -v apt-get >/dev/null 2>&1 && fetch_arm_libraries
    arm_libraries
    [ -z "$arm_missing" ] && exit 0
    echo "setup: no arm64 package of $arm_missing could be fetched; put their static libraries into $arm_deps/usr/lib/aarch64-linux-gnu" >&2
    exit 1
}

find_missing
[ -z "$missing" ] && finish

# The compiler is Xcode's (xcode-select --install). Its make is too old for our Makefile: Homebrew's is called gmake.
if [ -n "$brew" ] && command -v brew >/dev/null 2>&1; then
    formulas=$(echo "$missing" | tr ' ' '\n' | sed 's/^g++$//; s/^clang$/llvm/; s/^lib\(.*\)-dev$/\1/; s/^nlohmann-json3-dev$/nlohmann-json/; s/^eigen3$/eigen/')
    echo "setup: brew install" $formulas >&2
    [ -z "$(echo $formulas)" ] || brew install $formulas >&2
    find_missing
    [ -z "$missing" ] && finish
    echo "setup: still missing: $missing" >&2
    exit 1
fi

if ! command -v apt-get >/dev/null 2>&1; then
    cat >&2 <<EOF
distill needs these to build; this system has no apt-get, so please install them with its own package manager:
  a C++20 compiler (g++ 12 or clang 14, or newer), GNU make, binutils
  Eigen 3, xsimd 8 or newer, CLI11, fmt 9 or newer, Catch2 (2 or 3), utf8proc with its static library, nlohmann-json
missing here (Debian's names): $missing
EOF
    exit 1
fi

as_root=""
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        as_root="sudo"
    else
        as_root="none"
    fi
fi

if [ "$as_root" != none ]; then
    echo "setup: installing $missing" >&2
    log=$(mktemp) || exit 1
    install() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1; }
    # The package lists may be absent or old: refresh them only when the first try fails.
    install || { $as_root apt-get update >"$log" 2>&1 && install; } || tail -n 5 "$log" >&2
    rm -f "$log"
elif [ -n "$libraries" ]; then
    echo "setup: no root and no sudo here; unpacking${libraries} into $deps" >&2
    mkdir -p "$deps/archives" && cd "$deps/archives" || exit 1
    # Newer releases keep Catch2 in a package of this name and leave the old one empty.
    case "$libraries" in *catch2*) apt-cache show libcatch2-dev >/dev/null 2>&1 && libraries="$libraries libcatch2-dev" ;; esac
    for package in $libraries; do
        apt-get download "$package" >/dev/null 2>&1 && dpkg-deb -x "$package"_*.deb .. || echo "setup: $package could not be fetched" >&2
    done
    cd ../../.. || exit 1
fi

find_missing
[ -z "$missing" ] && finish
echo "setup: still missing: $missing" >&2
echo "setup: as root, run: apt-get update && apt-get install -y $missing" >&2
exit 1
