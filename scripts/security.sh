#!/bin/sh
# What can be known of the project's safety without running it. All parts run, then it fails if one did.
#   holes      packages of the locks with known holes (pip-audit); asks the package index, so --offline leaves it out
#   secrets    keys and passwords in the repository (detect-secrets); what looks like one and is none is in
#              .secrets.baseline: --known writes all that is found now into it, to be looked at before it is committed
#   licences   packages of each lock whose licence an image may not carry
set -u
cd "$(dirname "$0")/.." || exit
checks=.parley/checks/bin
failed=""

check() {
    name=$1
    shift
    if ! "$@"; then
        echo "security: $name failed" >&2
        failed="$failed $name"
    fi
}

# --strict: a package of which the index can tell nothing is a failure, not a package without holes.
holes() {
    $checks/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements.lock &&
        $checks/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r locks/checks.lock && return
    echo "security: an index that knows nothing of holes, as a mirror may, is a failure too: --offline leaves this out" >&2
    return 1
}

# What git knows, but for hashes of packages, pictures, and code that is generated: they look as if they held secrets.
searched() {
    git ls-files -- ':!*.lock' ':!*.png' ':!*.svg' ':!*.wav' ':!parley/v1' ':!.secrets.baseline'
}

# --no-verify: what is found is not tried at anybody's door. Exit status 3: known ones have moved to other lines.
secrets() {
    known=$(mktemp)
    cp .secrets.baseline "$known"
    # A name a word.
    # shellcheck disable=SC2046
    $checks/detect-secrets-hook --no-verify --baseline "$known" $(searched)
    status=$?
    rm -f "$known"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
}

if [ "${1:-}" = --known ]; then
    # shellcheck disable=SC2046
    $checks/detect-secrets scan --no-verify --baseline .secrets.baseline $(searched)
    git diff --stat -- .secrets.baseline
    exit
fi

if [ "${1:-}" = --offline ]; then
    echo "security: known holes in packages were not looked for (--offline)"
else
    check holes holes
fi
check secrets secrets
check licences .venv/bin/python scripts/licences.py

[ -z "$failed" ] || { echo "security: failed:$failed" >&2; exit 1; }
echo "security: clean"
