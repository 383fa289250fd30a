"""What an overlay of k8s/ may add: TLS, doors, scaling. Each covers every service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.cluster import rules
from cli.scaling.rule import NUMBERS
from parley.rpc.tls import CALLERS
from runner.cluster_secrets import complete
from runner.plan import DEPLOYED, SERVICES
from tests.deploy.manifests import (
    COMPONENTS,
    OVERLAYS,
    documents,
    kustomization,
    literals,
    manifests,
    service,
    settings_env,
)

TLS = COMPONENTS / "tls"
SCALING = {"keda": "ScaledObject", "hpa": "HorizontalPodAutoscaler"}


def certificates() -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each["spec"] for each in manifests(TLS) if each["kind"] == "Certificate"}


def test_each_service_has_a_certificate_with_the_name_that_others_look_for() -> None:
    found = certificates()
    assert found.keys() == {*DEPLOYED, "nats", "operator", "watcher", "authority"}
    for name in CALLERS:
        assert found[name]["dnsNames"] == [name]
        assert found[name]["usages"] == ["server auth", "client auth"]
        assert found[name]["secretName"] == f"{name}-tls"
        assert found[name]["issuerRef"] == {"name": "authority", "kind": "Issuer"}
    assert found["operator"]["usages"] == found["watcher"]["usages"] == ["client auth"]
    for spec in found.values():
        ends, renewed = (int(spec[key].removesuffix("h")) for key in ("duration", "renewBefore"))
        assert renewed * 2 >= ends, "half of its life is left for whoever has to notice"


def test_it_is_mounted_where_the_settings_look() -> None:
    told = literals(TLS, "configMapGenerator", "settings")
    assert {key: told[f"PARLEY_TLS_{key}"] for key in ("CA", "CERT", "KEY")} == {
        "CA": "/run/tls/ca.crt",
        "CERT": "/run/tls/tls.crt",
        "KEY": "/run/tls/tls.key",
    }
    patched = {patch["target"]["name"]: yaml.safe_load(patch["patch"]) for patch in kustomization(TLS)["patches"]}
    assert patched.keys() == {*DEPLOYED, "nats"}
    for name, (volume, mount) in patched.items():
        assert volume["value"]["secret"]["secretName"] == f"{name}-tls"
        assert mount["value"] == {"name": "tls", "mountPath": "/run/tls", "readOnly": True}
        assert volume["value"]["name"] == "tls"


def test_nats_proves_the_names_by_which_it_is_called() -> None:
    told = literals(TLS, "configMapGenerator", "settings")["PARLEY_NATS_URL"]
    hosts = re.findall(r"tls://([\w.-]+):4222", told)
    assert [f"nats://{host}:4222" for host in hosts] == settings_env()["PARLEY_NATS_URL"].split(",")
    assert set(hosts) <= set(certificates()["nats"]["dnsNames"])


@pytest.mark.parametrize("component", SCALING)
def test_every_service_is_scaled_by_the_rules_answer_up_at_once_and_down_one_by_one(component: str) -> None:
    found = {each["metadata"]["name"]: each["spec"] for each in manifests(COMPONENTS / component) if "spec" in each}
    assert found.keys() == set(SERVICES)
    for name, spec in found.items():
        assert spec["scaleTargetRef"]["name"] == name
        if component == "keda":
            (trigger,) = spec["triggers"]
            assert trigger["metadata"]["query"] == f'parley:replicas_wanted{{service="{name}"}}'
            assert (trigger["metricType"], trigger["metadata"]["threshold"]) == ("AverageValue", "1")
            behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
            assert spec["minReplicaCount"] == 2
        else:
            (metric,) = spec["metrics"]
            assert metric["external"]["metric"]["selector"] == {"matchLabels": {"service": name}}
            assert metric["external"]["target"] == {"type": "AverageValue", "averageValue": "1"}
            behavior = spec["behavior"]
            assert spec["minReplicas"] == 2
        assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
        assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    (patch,) = kustomization(COMPONENTS / component)["patches"]
    assert yaml.safe_load(patch["patch"]) == [{"op": "remove", "path": "/spec/replicas"}]


def test_a_door_lets_a_call_last_an_hour() -> None:
    (ingress,) = manifests(COMPONENTS / "ingress")
    notes = ingress["metadata"]["annotations"]
    assert {value for key, value in notes.items() if "timeout" in key} == {"3600s", "3600"}
    _, route = documents(COMPONENTS / "gateway-api" / "route.yaml")
    for rule in route["spec"]["rules"]:
        if rule["matches"][0]["path"]["type"] == "PathPrefix":
            assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}


def test_the_doors_send_the_operators_paths_to_backoffice_and_all_others_to_the_gateway() -> None:
    (ingress,) = manifests(COMPONENTS / "ingress")
    (host,) = ingress["spec"]["rules"]
    doors = {(path["pathType"], path["path"], path["backend"]["service"]["name"]) for path in host["http"]["paths"]}
    assert doors == {
        *(("Prefix", path, "backoffice") for path in ("/admin", "/tracker", "/api")),
        *(("Exact", path, "gateway") for path in ("/api/agent", "/api/session")),
        ("Prefix", "/", "gateway"),
    }
    _, route = documents(COMPONENTS / "gateway-api" / "route.yaml")
    kinds = {"PathPrefix": "Prefix", "Exact": "Exact"}
    assert doors == {
        (kinds[match["path"]["type"]], match["path"]["value"], to["name"])
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
        for to in rule["backendRefs"]
    }
    ports = {to["name"]: to["port"] for rule in route["spec"]["rules"] for to in rule["backendRefs"]}
    assert ports == {"gateway": 8080, "backoffice": 8090}


def test_a_canary_shares_nothing_with_the_stack_beside_it() -> None:
    prod, canary = (kustomization(OVERLAYS / name) for name in ("prod", "canary"))
    assert prod["namespace"] != canary["namespace"]
    assert "../../components/tls" in prod["components"]
    assert "../../components/tls" in canary["components"]
    told = [literals(OVERLAYS / name, "configMapGenerator", "settings") for name in ("prod", "canary")]
    assert told[0]["PARLEY_PUBLIC_URL"] != told[1]["PARLEY_PUBLIC_URL"], "a call stays where it was taken"
    one, other = complete({}), complete({})
    assert one["nats"].keys() == other["nats"].keys()
    assert not set(one["nats"].values()) & set(other["nats"].values())


def test_prometheus_has_the_rules_that_scaling_asks_for_and_knows_processes_by_their_service(tmp_path: Path) -> None:
    folder = COMPONENTS / "monitoring"
    assert rules.main(["--check", str(folder / "rules.yaml")]) == 0
    (tmp_path / "old.yaml").write_text(rules.text().replace("clamp", "clamp_max"))
    assert rules.main(["--check", str(tmp_path / "old.yaml")]) == 1
    (rule,) = documents(folder / "rules.yaml")
    recorded = {each.get("record") for group in rule["spec"]["groups"] for each in group["rules"]}
    assert "parley:replicas_wanted" in recorded
    (monitor,) = documents(folder / "pods.yaml")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {port["name"] for port in service("stt").container["ports"]}
    assert endpoint["relabelings"][-1]["targetLabel"] == "service"


def test_least_and_most_are_those_of_the_rule() -> None:
    for each in manifests(COMPONENTS / "keda"):
        assert (each["spec"]["minReplicaCount"], each["spec"]["maxReplicaCount"]) == (NUMBERS.least, NUMBERS.most)
    for each in manifests(COMPONENTS / "hpa"):
        if each["kind"] == "HorizontalPodAutoscaler":
            assert (each["spec"]["minReplicas"], each["spec"]["maxReplicas"]) == (NUMBERS.least, NUMBERS.most)
