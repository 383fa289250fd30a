#!/bin/sh
# Makes .venv: the locked packages, checked by hash, then the project itself. Called by make when a lock has changed.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "setup: $1" >&2
    exit 1
}

new_enough() {
    command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=""
for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14}; do
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    found=$(${PYTHON:-python3} --version 2>/dev/null || echo "no ${PYTHON:-python3}")
    fail "Python 3.11 or newer is needed, and there is $found. Install one, and name it if need be: PYTHON=/path/to/python make run"
fi
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "the venv module of $python is missing. On Debian and Ubuntu: apt-get install python3-venv"

if ! new_enough .venv/bin/python; then
    rm -rf .venv
    "$python" -m venv .venv || fail "$python -m venv .venv failed"
fi
echo "Installing packages into .venv; the first time takes a minute."
export PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock ||
    fail "the packages of requirements.lock could not be installed; the lines above say why"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable . ||
    fail "the project itself could not be installed; the lines above say why"
.venv/bin/python -m parley.embedding "${PARLEY_DATA_DIR:-.parley}" >/dev/null ||
    fail "the embedding model could not be built; the lines above say why"
touch .venv/.ready
