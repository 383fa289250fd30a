#!/bin/sh
# Generates Python from proto/parley/v1 into the folder named: modules, gRPC, and types of both.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PATH="$PWD/.venv/bin:$PATH" .venv/bin/python -m grpc_tools.protoc --proto_path=proto \
    --python_out="$work" --grpc_python_out="$work" --mypy_out="quiet:$work" --mypy_grpc_out="quiet:$work" proto/parley/v1/*.proto
cp "$work"/parley/v1/* "$out"/
