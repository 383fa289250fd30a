"""The pods of a cluster as they are started on one machine: what is changed for that, and that nothing else is."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from runner.cluster_secrets import complete
from runner.plan import DEPLOYED
from testbed.pods.localised import EMPTY, localised, places
from tests.deploy.manifests import BASE, manifests, settings_env

TOLD = {"PARLEY_PROFILE": "local"}


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    secrets = [
        {
            "kind": "Secret",
            "metadata": {"name": f"{name}-secrets"},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in its.items()},
        }
        for name, its in complete({}).items()
    ]
    settings = {"kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "parley"}, "data": settings_env()}
    return [*manifests(BASE), *secrets, settings]


def test_each_replica_is_a_pod_at_an_address_of_its_own_that_all_know_by_the_services_name(
    objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    where = places(objects)
    assert len({place.address for place in where}) == len(where) == 2 * len(DEPLOYED) + 3
    pods = {each["metadata"]["name"]: each for each in localised(objects, where, {}, TOLD, tmp_path) if "spec" in each}
    assert pods.keys() == {place.name for place in where}
    lines = [line.split() for line in (tmp_path / "hosts").read_text().splitlines()]
    hosts = [(name, address) for address, *names in lines for name in names]
    assert [name for name, _ in hosts].count("stt") == 2
    assert dict(hosts)["nats-2.nats"] == next(place.address for place in where if place.name == "nats-2")
    for pod in pods.values():
        assert pod["spec"]["hostNetwork"] is True
        (hosts_file,) = [each for each in pod["spec"]["volumes"] if each["name"] == "hosts"]
        assert hosts_file["hostPath"]["path"] == str(tmp_path / "hosts")


def test_it_listens_there_has_its_secrets_as_files_and_is_otherwise_as_the_manifest_says(
    objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    where = places(objects)
    made = localised(objects, where, {"nats": "here/nats:1"}, TOLD, tmp_path)
    (settings,) = [each for each in made if each["kind"] == "ConfigMap"]
    assert settings["data"] == settings_env() | TOLD
    address = {place.name: place.address for place in where}
    pods = {each["metadata"]["name"]: each["spec"] for each in made if each["kind"] == "Pod"}
    original = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in objects
        if each["kind"] in ("Deployment", "StatefulSet")
    }
    for place in where:
        (container,), (before,) = pods[place.name]["containers"], original[place.service]["containers"]
        for same in ("resources", "securityContext"):
            assert container[same] == before[same]
        assert pods[place.name]["securityContext"] == original[place.service]["securityContext"]
        assert container["image"] == ("here/nats:1" if place.service == "nats" else f"parley-{place.service}")
        env = {entry["name"]: entry["value"] for entry in container["env"]}
        if place.service in DEPLOYED:
            if place.service == "backoffice":
                assert env["PARLEY_BACKOFFICE_HOST"] == address[place.name]
            else:
                assert env["PARLEY_LISTEN"] == f"{address[place.name]}:50051"
            assert env["PARLEY_METRICS_HOST"] == address[place.name], "its own counts before what all are told"
            assert env["PARLEY_STT_ADDRESS"] == "stt:50051"
            assert env["PARLEY_PROFILE"] == "local"
            (secrets,) = [each for each in pods[place.name]["volumes"] if each["name"] == "secrets"]
            kept = Path(secrets["hostPath"]["path"], "PARLEY_NATS_PASSWORD")
            assert kept.read_text().startswith("p")
            assert kept.stat().st_mode & 0o777 == 0o444
    nats = {entry["name"]: entry["value"] for entry in pods["nats-1"]["containers"][0]["env"]}
    assert nats["POD_NAME"] == "nats-1"
    assert nats["NATS_NODE_2"] == f"nats-route://route:{nats['NATS_ROUTE']}@nats-2.nats:6222"
    arguments = pods["nats-1"]["containers"][0]["args"]
    assert arguments[-2:] == ["--cluster_listen", f"nats://{address['nats-1']}:6222"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "nats-1-data"}} in pods["nats-1"]["volumes"]
    empty = {volume["name"] for volume in pods["tools-0"]["volumes"] if volume.get("hostPath", {}).get("type") == EMPTY}
    assert empty == {"tmp", "data"}
    mounts = {mount["name"] for mount in pods["tools-0"]["containers"][0]["volumeMounts"]}
    assert "agents-secrets" not in mounts, "a secret that is optional and not there is not mounted"
