"""A kubectl with a cluster in one file, for tests of scripts/deploy.sh: the verbs it uses, as they are documented.

CLUSTER names the file: {"namespace": {annotation: value} or null, "images": {workload: image}, "log": [line]}.
BROKEN: tags whose pods never get ready. REFUSED: words in a manifest that the server does not take. AWAY: no answer.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import NoReturn


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def built(folder: Path) -> str:
    """A kustomization of this test: `resources` in one line, and images as deploy.sh writes them."""
    text = (folder / "kustomization.yaml").read_text()
    whole = ""
    for name in ", ".join(re.findall(r"^resources: \[(.*)\]$", text, re.MULTILINE)).split(", "):
        if name.startswith("/"):
            fail(f"error: new root '{name}' cannot be absolute")
        path = folder / name
        whole += built(path) if path.is_dir() else path.read_text()
    for name, new, tag in re.findall(r'\{name: (\S+), newName: (\S+), newTag: "(\S+)"\}', text):
        whole = re.sub(rf"image: {re.escape(name)}(:\S+)?$", f"image: {new}:{tag}", whole, flags=re.MULTILINE)
    return whole


def workloads(manifests: str) -> dict[str, str]:
    """kind/name -> image"""
    found = re.findall(r"^kind: (Deployment|StatefulSet)\n  name: (\S+)\n  image: (\S+)$", manifests, re.MULTILINE)
    return {f"{kind.lower()}.apps/{name}": image for kind, name, image in found}


def main(words: list[str]) -> None:
    if words[0] == "kustomize":
        print(built(Path(words[1])))
        return
    if os.environ.get("AWAY"):
        fail("The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?")
    state = Path(os.environ["CLUSTER"])
    cluster = json.loads(state.read_text())
    cluster["log"].append(" ".join(re.sub(r"^/\S*/", "", word) for word in words))
    complaint = answer(cluster, words)
    state.write_text(json.dumps(cluster))
    if complaint:
        fail(complaint)


def answer(cluster: dict[str, dict[str, str]], words: list[str]) -> str:
    """Prints what kubectl would, changes the cluster; what went wrong, or ""."""
    manifests = built(Path(words[words.index("-k") + 1])) if "-k" in words else ""
    match words:
        case ["apply", *options]:
            if (refused := os.environ.get("REFUSED")) and refused in manifests:
                return f"Error from server (Invalid): {refused}"
            if "--dry-run=server" not in options:
                cluster["images"].update(workloads(manifests))
                cluster["namespace"] = cluster["namespace"] or {}
        case ["get", "namespace", name, "--ignore-not-found", "-o", form]:
            assert name == "parley"
            key = form.removeprefix("jsonpath={.metadata.annotations.").removesuffix("}")
            print((cluster["namespace"] or {}).get(key, ""), end="")
        case ["get", "-k", _, "-o", "name"]:
            if missing := workloads(manifests).keys() - cluster["images"].keys():
                return f"Error from server (NotFound): {missing}"
            print("namespace/parley", *workloads(manifests), "service/gateway", sep="\n")
        case ["rollout", "status", "-n", "parley", workload, _]:
            tag = cluster["images"][workload].rpartition(":")[2]
            if tag in os.environ.get("BROKEN", "").split():
                return f'error: deployment "{workload}" exceeded its progress deadline'
        case ["annotate", "namespace", "parley", "--overwrite", pair]:
            key, _, value = pair.partition("=")
            cluster["namespace"][key] = value
        case _:
            return f"error: unknown command {words}"
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
