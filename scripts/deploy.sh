#!/bin/sh
# Brings what is committed to a cluster: apply, wait, a smoke call; back to what was there when any of them fails.
#
#   OVERLAY   folder under k8s/overlays (prod)
#   COMMIT    what is deployed (HEAD)
#   TAG       of the images (the commit's full hash)
#   REGISTRY  before the images' names, as registry.example/team; without it they are named as in the overlay
#   ROLLOUT_S how long one workload may take to be renewed, in s (900)
#   SMOKE     the command that tries it (scripts/smoke.sh)
#
# What is deployed is written on the namespace, as an annotation. Exit status: 0 deployed, 1 failed and gone back,
# 2 nothing was touched, 3 failed and NOT gone back: somebody has to look.
set -u
cd "$(dirname "$0")/.." || exit
overlay=${OVERLAY:-prod}
namespace=${NAMESPACE:-parley}
rollout_s=${ROLLOUT_S:-900}
smoke=${SMOKE:-scripts/smoke.sh}
secrets=k8s/overlays/$overlay/secrets
mark=parley-deployed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() {
    echo "deploy: $*"
}

refuse() {
    echo "deploy: $*; nothing was touched" >&2
    exit 2
}

# A folder for kubectl: the overlay as it was in a commit, with the images of a tag. render FOLDER COMMIT TAG REGISTRY
render() {
    mkdir -p "$1" && git archive "$2" k8s | tar -x -C "$1" || return 1
    # What git does not keep; the way back has today's too.
    [ ! -d "$secrets" ] || cp -R "$secrets" "$1/k8s/overlays/$overlay/" || return 1
    kubectl kustomize "$1/k8s/overlays/$overlay" >"$1/plain.yaml" || return 1
    {
        printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n'
        printf 'resources: [k8s/overlays/%s]\nimages:\n' "$overlay"
        # Only our own: the last part of the name begins with parley-.
        sed -nE 's/^[ -]*image: *"?(([^" ]*\/)?parley-[a-z]+)(:[^" ]*)?"? *$/\1/p' "$1/plain.yaml" | sort -u |
            while read -r name; do
                new=$name
                [ -z "$4" ] || new=$4/${name##*/}
                printf '  - {name: %s, newName: %s, newTag: "%s"}\n' "$name" "$new" "$3"
            done
    } >"$1/kustomization.yaml"
    grep -q newTag "$1/kustomization.yaml" || { say "no image of parley in overlay $overlay" >&2; return 1; }
}

# Applied, and each workload of it renewed: bring FOLDER
bring() {
    kubectl apply -k "$1" || return 1
    workloads=$(kubectl get -k "$1" -o name) || return 1
    for workload in $(echo "$workloads" | grep -E '^(deployment|statefulset)\.apps/'); do
        kubectl rollout status -n "$namespace" "$workload" --timeout="${rollout_s}s" || return 1
    done
}

commit=$(git rev-parse --verify "${COMMIT:-HEAD}^{commit}") || refuse "no such commit: ${COMMIT:-HEAD}"
tag=${TAG:-$commit}
registry=$(printf "%s" "${REGISTRY:-}" | tr "[:upper:]" "[:lower:]")
render "$work/new" "$commit" "$tag" "$registry" || refuse "overlay $overlay of $commit cannot be built"

# "COMMIT TAG REGISTRY" of what is there; empty when nothing is. Being unable to ask is no "nothing".
before=$(kubectl get namespace "$namespace" --ignore-not-found -o "jsonpath={.metadata.annotations.$mark}") ||
    refuse "the cluster does not answer"
if [ -n "$before" ]; then
    # Words, as they were written.
    # shellcheck disable=SC2086
    set -- $before
    before_commit=$1
    render "$work/old" "$1" "$2" "${3:-}" ||
        refuse "what is deployed, $before, cannot be built from this clone, so there would be no way back"
    kubectl apply --dry-run=server -k "$work/new" >"$work/dry" || refuse "the cluster would not take it"
fi

say "$overlay: $commit, images $tag; before: ${before:-nothing}"
if bring "$work/new" && $smoke; then
    kubectl annotate namespace "$namespace" --overwrite "$mark=$commit $tag $registry" && say "done" && exit 0
    say "it runs, but could not be written down: the next deploy would go back to ${before:-nothing}" >&2
    exit 3
fi
[ -n "$before" ] || { say "failed, and there is nothing to go back to: the first deploy is left as it stands" >&2; exit 3; }
say "failed: back to $before_commit" >&2
if bring "$work/old" && $smoke; then
    say "back at $before_commit" >&2
    exit 1
fi
say "the way back failed too: somebody has to look" >&2
exit 3
