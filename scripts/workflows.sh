#!/bin/sh
# Checks .github/: actionlint (syntax, expressions, shell by shellcheck), then zizmor (what attackers could do with it).
set -eu
cd "$(dirname "$0")/.."
.parley/checks/bin/actionlint -color=false .github/workflows/*.yml
.parley/checks/bin/zizmor --offline --no-progress --quiet --persona pedantic .github
echo "workflows: clean"
