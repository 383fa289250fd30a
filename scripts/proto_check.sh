#!/bin/sh
# Fails when parley/v1 is not what proto/ generates.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/proto.sh "$work"
touch "$work/__init__.py"
if ! diff -rq -x __pycache__ "$work" parley/v1; then
    echo "parley/v1 is not what proto/ generates: make proto, and commit it" >&2
    exit 1
fi
