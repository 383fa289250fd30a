#!/bin/sh
# Everything that can be checked without running the product. Runs all checks, then fails if one did.
set -u
cd "$(dirname "$0")/.." || exit
failed=""

check() {
    name=$1
    shift
    if ! "$@"; then
        echo "lint: $name failed" >&2
        failed="$failed $name"
    fi
}

# [x] keeps this file from finding itself.
no_registry_hosts() {
    ! git grep -nIE 'py[p]i\.org|files\.python[h]osted|registry\.np[m]js|deb\.deb[i]an\.org|archive\.ub[u]ntu' -- .
}

no_torch() {
    ! grep -nE '^(torch|torchaudio|nvidia-[a-z0-9-]*|sentence-transformers)==' requirements*.lock
}

# An engine's name stands in its own files, and in the table of its stage.
no_vendor_names() {
    ! git grep -nIiE 'deep[g]ram|eleven[l]abs|open[a]i|carte[s]ia|anth[r]opic|\bge[m]ini' -- parley services runner cli \
        ':!*/providers/*' ':!*.md' ':!parley/v1/*'
}

# The tools of bots whose names are no package's, each for itself.
hyphenated_bots() {
    for tools in agents/*-*/tools.py; do
        [ ! -e "$tools" ] || .venv/bin/mypy --strict "$tools" || return 1
    done
}

check ruff .venv/bin/ruff check .
check layers .venv/bin/lint-imports --no-logo
check mypy .venv/bin/mypy --strict parley services runner testbed cli agents tests bench scripts
check mypy-bots hyphenated_bots
check mypy-images env MYPYPATH=deploy/images .venv/bin/mypy --strict deploy/images
check proto scripts/proto_check.sh
check settings-doc .venv/bin/python -m cli.generated.settings_doc --check docs/settings.md
check metrics-doc .venv/bin/python -m cli.generated.metrics_doc --check docs/metrics.md
check dashboards .venv/bin/python -m cli.generated.dashboards --check
check agent-schema .venv/bin/python -m cli.agents.schema --check agents/agent.schema.json
check wrapper-schema .venv/bin/python -m cli.agents.schema --check agents/wrapper.schema.json
check conversations-schema .venv/bin/python -m cli.agents.conversations_schema --check agents/conversations.schema.json
check vendor-names no_vendor_names
check registry-hosts no_registry_hosts
check torch-in-locks no_torch
check locks .venv/bin/python scripts/locks_check.py

[ -z "$failed" ] || { echo "lint: failed:$failed" >&2; exit 1; }
