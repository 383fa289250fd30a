#!/bin/sh
# Builds the images with docker, podman or buildah, whatever is there: scripts/images/build.sh [SERVICE...], no name: all.
# CONTAINER_ENGINE names one; PARLEY_REGISTRY goes before the names, as in "registry.example/", PARLEY_VERSION is the tag;
# BASE another base image; PIP_INDEX_URL another index; BUILD_FLAGS goes to the engine, as in "--network host".
set -eu
cd "$(dirname "$0")/../.."

usable() {
    command -v "$1" >/dev/null 2>&1 && "$1" info >/dev/null 2>&1
}

engine=${CONTAINER_ENGINE:-}
if [ -z "$engine" ]; then
    for candidate in docker podman buildah; do
        if usable "$candidate"; then
            engine=$candidate
            break
        fi
    done
fi
[ -n "$engine" ] || {
    echo "images: none of docker, podman and buildah is here and running" >&2
    exit 1
}

commit=unknown epoch=0
if commit_here=$(git rev-parse HEAD 2>/dev/null); then
    commit=$commit_here epoch=$(git log -1 --format=%ct)
    [ -z "$(git status --porcelain --untracked-files=no)" ] || commit=$commit-changed
fi

[ $# -gt 0 ] || set -- gateway orchestrator stt llm tts tools rag backoffice cli
for service in "$@"; do
    name="${PARLEY_REGISTRY:-}parley-$service:${PARLEY_VERSION:-dev}"
    echo "images: $name with $engine" >&2
    case ${engine##*/} in
    docker) how="build" ;;
    podman) how="build --format docker --timestamp $epoch" ;; # the format that knows health checks
    buildah) how="build --format docker --timestamp $epoch --layers" ;;
    *) how="build" ;;
    esac
    # Flags are words.
    # shellcheck disable=SC2086
    "$engine" $how ${BUILD_FLAGS:-} --target "$service" --tag "$name" \
        --build-arg "SOURCE_DATE_EPOCH=$epoch" --build-arg "PARLEY_BUILD=$commit" \
        --build-arg "PARLEY_VERSION=${PARLEY_VERSION:-dev}" \
        ${BASE:+--build-arg "BASE=$BASE"} \
        ${PIP_INDEX_URL:+--build-arg "PIP_INDEX_URL=$PIP_INDEX_URL"} \
        ${PIP_EXTRA_INDEX_URL:+--build-arg "PIP_EXTRA_INDEX_URL=$PIP_EXTRA_INDEX_URL"} \
        . >&2
    echo "$name"
done
