"""Every pod of k8s/: what it may do, when it is alive, how it ends, what it is told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cli.sizing.figures import PROFILES
from parley.process import monitor
from parley.settings import Settings
from runner.cluster_secrets import complete
from runner.plan import BACKOFFICE, DEPLOYED, SERVICES
from services.backoffice.server import GRACE_S
from services.gateway import house
from tests.deploy.manifests import (
    BASE,
    K8S,
    NAME,
    OVERLAYS,
    Workload,
    kustomization,
    literals,
    manifests,
    one,
    service,
    settings_env,
    workloads,
)

PODS = list(workloads())
EACH_POD = pytest.mark.parametrize("pod", PODS, ids=[pod.name for pod in PODS])
EACH_SERVICE = pytest.mark.parametrize("name", DEPLOYED)
SECRETS = "/run/secrets/parley"
MEMORY = {"Mi": 1, "Gi": 1024}
OVERLAY_NAMES = sorted(path.name for path in OVERLAYS.iterdir())


def test_every_file_is_used_and_every_service_is_there() -> None:
    for folder in (BASE, *(OVERLAYS / name for name in OVERLAY_NAMES), *(K8S / "components").iterdir()):
        here = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        listed = {name for name in kustomization(folder).get("resources", ()) if not name.startswith("..")}
        assert here == listed, folder
    assert {pod.name for pod in workloads(BASE)} == {*DEPLOYED, "nats"}


@EACH_POD
def test_a_pod_is_one_of_its_service_and_has_its_own_account(pod: Workload) -> None:
    folder = BASE if (BASE / f"{pod.name}.yaml").exists() else OVERLAYS / "dev"
    selector = pod.manifest["spec"]["selector"]["matchLabels"]
    assert selector[NAME] == pod.name
    assert one("Service", pod.name, folder)["spec"]["selector"] == selector
    assert one("ServiceAccount", pod.name, folder)["automountServiceAccountToken"] is False
    assert pod.pod["serviceAccountName"] == pod.name
    for spread in pod.pod.get("topologySpreadConstraints", ()):
        assert spread["labelSelector"]["matchLabels"] == selector
    if folder == BASE:
        budget = one("PodDisruptionBudget", pod.name)["spec"]
        assert budget == {"maxUnavailable": 1, "selector": {"matchLabels": selector}}
        spread_over = {spread["topologyKey"] for spread in pod.pod["topologySpreadConstraints"]}
        assert spread_over == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


@EACH_POD
def test_disks_in_a_pod_fit_into_what_it_may_take(pod: Workload) -> None:
    most = pod.container["resources"]["limits"]
    disks = [volume["emptyDir"] for volume in pod.pod["volumes"] if "emptyDir" in volume]
    assert sum(mebibytes(disk["sizeLimit"]) for disk in disks) <= mebibytes(most["ephemeral-storage"])


def mebibytes(text: str) -> int:
    return int(text[:-2]) * MEMORY[text[-2:]]


@EACH_SERVICE
def test_probes_ask_the_monitor_and_only_a_frozen_process_is_killed(name: str) -> None:
    container = service(name).container
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["monitor"] == int(settings_env()["PARLEY_METRICS_PORT"]) == 9090
    asked = {probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "readiness", "liveness")}
    assert {its["port"] for its in asked.values()} == {"monitor"}
    assert {probe: its["path"] for probe, its in asked.items()} == {
        "startup": "/ready",
        "readiness": "/ready",
        "liveness": "/health",
    }
    for probe in asked:
        assert container[f"{probe}Probe"]["timeoutSeconds"] > monitor.ANSWER_S
    starting = container["startupProbe"]
    assert starting["periodSeconds"] * starting["failureThreshold"] >= 120, "models are loaded meanwhile"


@EACH_SERVICE
def test_the_time_to_end_is_long_enough_for_all_that_is_done_in_it(name: str) -> None:
    pod = service(name)
    told_s = pod.container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain_s = int(pod.env().get("PARLEY_DRAIN_S", GRACE_S))
    moving_s = 2 * house.QUIET_S if name == "gateway" else 0
    assert pod.pod["terminationGracePeriodSeconds"] == {"gateway": 3600, "backoffice": 30}.get(name, 60)
    assert told_s >= 5, "others hear within it that this one is no longer named"
    assert told_s + drain_s + moving_s + 10 <= pod.pod["terminationGracePeriodSeconds"]
    assert pod.manifest["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


@EACH_SERVICE
def test_a_service_is_told_settings_that_exist_and_that_it_accepts(name: str) -> None:
    settings = (K8S.parent / "docs" / "settings.md").read_text("utf-8")
    known = set(re.findall(r"^\| `(\w+)`", settings, re.MULTILINE)) | {"PYTHONUNBUFFERED"}
    for overlay in OVERLAY_NAMES:
        told = settings_env() | literals(OVERLAYS / overlay, "configMapGenerator", "settings") | service(name).env()
        assert {variable.removesuffix("_FILE") for variable in told} <= known
        plain = {variable: value for variable, value in told.items() if not variable.endswith("_FILE")}
        read = Settings.read(**plain)
        assert read.nats_user == name
        assert read.nats_replicas == len(read.nats_url.split(","))
        assert read.listen == {"gateway": "127.0.0.1:50051", "backoffice": "127.0.0.1:0"}.get(name, "0.0.0.0:50051")


@EACH_SERVICE
def test_secrets_are_files_that_every_overlay_has(name: str) -> None:
    pod = service(name)
    files = {key.removesuffix("_FILE"): value for key, value in pod.env().items() if key.endswith("_FILE")}
    assert {f"{SECRETS}/{variable}" for variable in files} == set(files.values())
    (volume,) = [each for each in pod.pod["volumes"] if each["name"] == "secrets"]
    assert volume["secret"]["secretName"] == f"{name}-secrets"
    assert literals(OVERLAYS / "dev", "secretGenerator", f"{name}-secrets").keys() == files.keys()
    assert complete({})[name].keys() == files.keys()
    for overlay in ("prod", "canary"):
        generators = {each["name"]: each["envs"] for each in kustomization(OVERLAYS / overlay)["secretGenerator"]}
        assert generators[f"{name}-secrets"] == [f"secrets/{name}.env"]


def test_no_secret_stands_in_a_manifest() -> None:
    for pod in PODS:
        for entry in pod.container["env"]:
            named = re.search("PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL", entry["name"])
            where = entry["name"].endswith(("_FILE", "_DIR")) or "valueFrom" in entry
            assert not named or where, entry
    assert not [each for each in manifests(BASE) if each["kind"] == "Secret"]


@pytest.mark.parametrize("overlay", OVERLAY_NAMES)
def test_an_overlay_names_a_version_of_every_image(overlay: str) -> None:
    images: list[dict[str, Any]] = kustomization(OVERLAYS / overlay)["images"]
    pods = workloads(BASE, OVERLAYS / "dev") if overlay == "dev" else workloads(BASE)
    assert {image["name"] for image in images} == {pod.container["image"] for pod in pods}
    assert all(image["newTag"] not in ("", "latest") for image in images)
    ours = {image["newTag"] for image in images if image["name"].startswith("parley-")}
    assert len(ours) == 1, "one version of all"


def test_callers_find_replicas_by_headless_services_at_the_ports_they_listen_on() -> None:
    for name in DEPLOYED:
        spec = one("Service", name)["spec"]
        ports = {port["name"]: port["containerPort"] for port in service(name).container["ports"]}
        assert all(ports[port["targetPort"]] == port["port"] for port in spec["ports"])
        if name not in ("gateway", BACKOFFICE):
            assert spec["clusterIP"] == "None"
            assert settings_env()[f"PARLEY_{name.upper()}_ADDRESS"] == f"{name}:{spec['ports'][0]['port']}"


@pytest.mark.parametrize("name", SERVICES)
def test_a_replica_takes_what_it_was_reckoned_with(name: str) -> None:
    figure = PROFILES["cloud"][name]
    taken = int(service(name).env()["PARLEY_CAPACITY"])
    asked = service(name).container["resources"]["requests"]
    if name in ("tools", "rag"):  # what they do for a call is too little to be reckoned by it
        assert taken <= figure.capacity
    else:
        assert taken == figure.capacity
        assert asked["cpu"] == f"{round(figure.carries * figure.cpu_ms / 100) * 100}m"
    assert mebibytes(asked["memory"]) * 1.05 > figure.idle_mb


def test_what_others_make_is_of_the_version_that_compose_has() -> None:
    compose = (K8S.parent / "docker-compose.yml").read_text("utf-8")
    for image in kustomization(OVERLAYS / "dev")["images"]:
        if "/" in image.get("newName", ""):
            assert f"{image['newName']}:{image['newTag'].removesuffix('-unprivileged')}}}" in compose
