#!/bin/sh
# Writes what each service is made of, with hashes, as CycloneDX 1.6: build/sbom/parley-<service>.cdx.json.
# The same locks give the same bytes.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/sbom
export PYTHONWARNINGS=ignore # a lock lists packages, and not which of them asked for which
for lock in requirements-*.lock; do
    service=${lock#requirements-}
    service=${service%.lock}
    [ "$service" != embedding-build ] || continue # in no image
    .parley/checks/bin/cyclonedx-py requirements "$lock" --pyproject pyproject.toml --spec-version 1.6 \
        --output-reproducible --output-format JSON --output-file "build/sbom/parley-$service.cdx.json"
done
ls build/sbom
