#!/bin/sh
# One call: a question asked aloud must be answered. PARLEY_SMOKE_URL is the address that callers reach; without it the
# call goes to the gateway of the namespace through kubectl. The carrier's token is a setting, as it is for the gateway.
set -eu
cd "$(dirname "$0")/.."
url=${PARLEY_SMOKE_URL:-}
heard=$(mktemp)
forward=""
trap 'rm -f "$heard" "$heard.port"; [ -z "$forward" ] || kill "$forward" 2>/dev/null' EXIT

if [ -z "$url" ]; then
    kubectl port-forward -n "${NAMESPACE:-parley}" service/gateway :8080 >"$heard.port" &
    forward=$!
    tries=0
    until port=$(sed -nE 's/^Forwarding from 127\.0\.0\.1:([0-9]+) .*/\1/p' "$heard.port") && [ -n "$port" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 60 ] || ! kill -0 "$forward" 2>/dev/null; then
            echo "smoke: no way to the gateway" >&2
            exit 1
        fi
        sleep 0.5
    done
    url=http://127.0.0.1:$port
fi
.venv/bin/parley call --gateway "$url" --say "${PARLEY_SMOKE_SAYS:-when are you open}" --out "$heard"
