#!/bin/sh
# Compiles requirements.lock (everything) and one lock per image, with hashes and without index addresses.
# The images' locks are held to the versions of the first.
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
service stt locks/silero.in locks/whisper.in --extra stt --extra local-stt
service orchestrator --extra orchestrator
service llm --extra llm --extra local-llm
service tts --extra tts --extra local-tts
service tools --extra tools
service rag --extra rag
service backoffice --extra backoffice
# Of commands in a container: a caller's voice, and what `parley eval` and `parley agent` run in their own process.
service cli --extra cli --extra orchestrator --extra llm --extra tools --extra rag --extra backoffice --extra local-llm --extra local-tts
# What builds the embedding model when an image is built; no image keeps it.
service embedding-build locks/minilm.in --extra embedding-build
compile locks/checks.lock locks/checks.in "$@"
