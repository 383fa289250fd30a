#!/bin/sh
# Installs what tests need from the system, when something is missing and this is root: then nothing may be skipped.
set -eu
cd "$(dirname "$0")/.."

needed=""
# package, and what shows that it is there: programs, of which one is enough, or files
needs() {
    package=$1
    shift
    for there in "$@"; do
        case $there in
            /*) for file in $there; do [ ! -e "$file" ] || return 0; done ;;
            *) ! command -v "$there" >/dev/null 2>&1 || return 0 ;;
        esac
    done
    needed="$needed $package"
}

needs chromium chromium google-chrome
needs postgresql "/usr/lib/postgresql/*/bin/postgres"
needs shellcheck shellcheck
needs nginx-light nginx /usr/sbin/nginx
needs prometheus promtool
needs prometheus-alertmanager amtool

[ -n "$needed" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "ci: as root, run: apt-get install -y$needed" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# One word per package.
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $needed
