#!/bin/sh
# Installs with apt what the demo and the tests need beside Python packages, where it is missing.
set -eu

missing=
want() { # PACKAGES, then the command that fails where they are missing
    packages=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $packages"
}
has_nano_specs() { # gcc prints a path only where the file exists
    case "$(arm-none-eabi-gcc -print-file-name=nano.specs)" in /*) ;; *) return 1 ;; esac
}

want gcc-arm-none-eabi command -v arm-none-eabi-gcc
want libnewlib-arm-none-eabi has_nano_specs
want qemu-system-arm command -v qemu-system-arm
want gdb-multiarch command -v gdb-multiarch
want "gcc libc6-dev" command -v cc
want python3 command -v python3
want python3-venv python3 -c "import ensurepip, venv"

[ -n "$missing" ] || exit 0
install="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null; then
    echo "These Debian packages, or their like, are missing:$missing" >&2
    echo "This system has no apt-get: install them by its own means, then run make again." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root="sudo"
else
    echo "These packages are missing:$missing" >&2
    echo "You are not root and there is no sudo. Let root run: $install" >&2
    exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update
$as_root $install >/dev/null
