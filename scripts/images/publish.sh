#!/bin/sh
# The images parley-*:PARLEY_VERSION that `make images` built, from one machine to another and to a registry.
#   save FILE      into a file, packed
#   push [FILE]    to REGISTRY, under the same names and tag; out of the file, when one is given
set -eu
cd "$(dirname "$0")/../.."
version=${PARLEY_VERSION:-dev}

images() {
    found=$(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=parley-*:$version" | sort)
    [ -n "$found" ] || { echo "publish: no image parley-*:$version" >&2; exit 1; }
    echo "$found"
}

case "${1:-}" in
    save)
        all=$(images)
        # A name a word.
        # shellcheck disable=SC2086
        docker image save $all -o "$2.tar"
        zstd -q -T0 --rm -f "$2.tar" -o "$2"
        ;;
    push)
        registry=$(printf '%s' "${REGISTRY:?where to}" | tr '[:upper:]' '[:lower:]')
        if [ -n "${2:-}" ]; then
            zstd -q -d -c "$2" | docker image load
        fi
        all=$(images)
        for image in $all; do
            docker image tag "$image" "$registry/$image"
            docker image push -q "$registry/$image"
        done
        ;;
    *)
        echo "usage: $0 save FILE | push [FILE]" >&2
        exit 2
        ;;
esac
