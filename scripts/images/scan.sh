#!/bin/sh
# Looks for known holes in the images that `make images` built; those graded HIGH or CRITICAL that have a remedy fail it.
# Needs Trivy, which fetches its database.
set -eu
cd "$(dirname "$0")/../.."
version=${PARLEY_VERSION:-dev}
command -v trivy >/dev/null 2>&1 || { echo "scan: Trivy is not installed" >&2; exit 2; }
images=$(docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=parley-*:$version")
[ -n "$images" ] || { echo "scan: no image parley-*:$version; make images" >&2; exit 2; }
failed=""
for image in $images; do
    trivy image --quiet --scanners vuln --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1 "$image" ||
        failed="$failed $image"
done
[ -z "$failed" ] || { echo "scan: holes that have a remedy:$failed" >&2; exit 1; }
