"""scripts/deploy.sh against a made-up kubectl: it goes forward when all is well, and back when anything is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_KUBECTL = Path(__file__).parent / "fakes/kubectl.py"
_MANIFESTS = """\
---
kind: Deployment
  name: gateway
  image: parley-gateway:dev
---
kind: StatefulSet
  name: nats
  image: nats:2.11
"""


class Site:
    """A repository with one overlay, a cluster, and somebody who deploys."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.state = path / "cluster.json"
        self.state.write_text(json.dumps({"namespace": None, "images": {}, "log": []}))
        self.repository = path / "repository"
        overlay = self.repository / "k8s/overlays/prod"
        overlay.mkdir(parents=True)
        (overlay / "kustomization.yaml").write_text("resources: [all.yaml]\n")
        (self.repository / "scripts").mkdir()
        shutil.copy(_ROOT / "scripts/deploy.sh", self.repository / "scripts")
        (path / "bin").mkdir()
        # Without site packages: a script calls it many times.
        (path / "bin/kubectl").write_text(f"#!{sys.executable} -IS\n{_KUBECTL.read_text()}")
        (path / "bin/kubectl").chmod(0o755)
        self.git("init", "-q")
        self.first = self.commit("first")

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.check_output(["git", *who, *words], cwd=self.repository, text=True).strip()

    def commit(self, note: str) -> str:
        (self.repository / "k8s/overlays/prod/all.yaml").write_text(f"# {note}\n{_MANIFESTS}")
        self.git("add", "-A")
        self.git("commit", "-qm", note)
        return self.git("rev-parse", "HEAD")

    def deploy(self, **variables: str) -> tuple[int, str]:
        """Exit status, and what was said."""
        env = {"PATH": f"{self.path}/bin:{os.environ['PATH']}", "CLUSTER": str(self.state), "SMOKE": "true"}
        env |= variables
        script = self.repository / "scripts/deploy.sh"
        done = subprocess.run([script], env=env, capture_output=True, text=True, check=False, timeout=300)
        return done.returncode, done.stdout + done.stderr

    @property
    def gateway(self) -> str:
        image: str = json.loads(self.state.read_text())["images"]["deployment.apps/gateway"]
        return image

    @property
    def log(self) -> list[str]:
        lines: list[str] = json.loads(self.state.read_text())["log"]
        return lines

    @property
    def mark(self) -> str:
        words: str = (json.loads(self.state.read_text())["namespace"] or {}).get("parley-deployed", "")
        return words.strip()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_is_committed_is_applied_waited_for_tried_and_written_down(site: Site) -> None:
    status, said = site.deploy()
    assert (status, site.gateway, site.mark) == (0, f"parley-gateway:{site.first}", f"{site.first} {site.first}"), said
    waited = [line for line in site.log if line.startswith("rollout status")]
    assert [line.split()[4] for line in waited] == ["deployment.apps/gateway", "statefulset.apps/nats"]

    second = site.commit("second")
    status, said = site.deploy(TAG="v2", REGISTRY="Registry.example/Team")
    assert (status, site.gateway) == (0, "registry.example/team/parley-gateway:v2"), said
    assert site.mark == f"{second} v2 registry.example/team"
    assert site.deploy(TAG="v3")[0] == 0
    assert json.loads(site.state.read_text())["images"]["statefulset.apps/nats"] == "nats:2.11"


def test_secrets_come_from_the_folder_that_git_does_not_keep(site: Site) -> None:
    overlay = site.repository / "k8s/overlays/prod"
    (overlay / "kustomization.yaml").write_text("resources: [all.yaml, secrets/gateway.env]\n")
    (site.repository / ".gitignore").write_text("secrets/\n")
    site.commit("with secrets")
    status, said = site.deploy(TAG="v1")
    assert (status, site.mark) == (2, ""), said
    (overlay / "secrets").mkdir()
    (overlay / "secrets/gateway.env").write_text("# TOKEN=of-mine\n")
    status, said = site.deploy(TAG="v1")
    assert (status, site.gateway) == (0, "parley-gateway:v1"), said
    assert "of-mine" not in said


def test_pods_that_never_get_ready_take_it_back(site: Site) -> None:
    site.deploy(TAG="v1", REGISTRY="r.example")
    site.commit("second")
    status, said = site.deploy(TAG="v2", BROKEN="v2")
    assert (status, site.gateway) == (1, "r.example/parley-gateway:v1"), said
    assert f"back at {site.first}" in said
    assert site.mark == f"{site.first} v1 r.example"


def test_a_call_that_is_not_answered_takes_it_back(site: Site) -> None:
    site.deploy(TAG="v1")
    site.commit("second")
    smoke = site.path / "smoke"
    smoke.write_text('#!/bin/sh\n! grep -q "gateway:v2" "$CLUSTER"\n')
    smoke.chmod(0o755)
    status, said = site.deploy(TAG="v2", SMOKE=str(smoke))
    assert (status, site.gateway, site.mark) == (1, "parley-gateway:v1", f"{site.first} v1"), said


def test_a_way_back_that_fails_calls_for_somebody(site: Site) -> None:
    site.deploy(TAG="v1")
    site.commit("second")
    status, said = site.deploy(TAG="v2", BROKEN="v1 v2")
    assert status == 3
    assert "somebody has to look" in said


def test_the_first_has_nothing_to_go_back_to(site: Site) -> None:
    status, said = site.deploy(TAG="v1", SMOKE="false")
    assert status == 3
    assert "nothing to go back to" in said
    assert not site.mark


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"REFUSED": "# second"}, "the cluster would not take it"),
        ({"AWAY": "1"}, "the cluster does not answer"),
        ({"COMMIT": "nonsense"}, "no such commit"),
        ({"OVERLAY": "moon"}, "overlay moon of"),
    ],
    ids=["refused", "away", "commit", "overlay"],
)
def test_what_can_not_be_done_touches_nothing(site: Site, variables: dict[str, str], words: str) -> None:
    site.deploy(TAG="v1")
    site.commit("second")
    status, said = site.deploy(TAG="v2", **variables)
    assert (status, site.gateway) == (2, "parley-gateway:v1")
    assert words in said
    changes = [line for line in site.log if line.startswith("apply") and "--dry-run=server" not in line]
    assert changes == ["apply -k new"]


def test_no_way_back_no_way_forward(site: Site) -> None:
    site.deploy(TAG="v1")
    site.commit("second")
    cluster = json.loads(site.state.read_text())
    cluster["namespace"]["parley-deployed"] = f"{'0' * 40} v1 "
    site.state.write_text(json.dumps(cluster))
    status, said = site.deploy(TAG="v2")
    assert (status, site.gateway) == (2, "parley-gateway:v1")
    assert "no way back" in said
