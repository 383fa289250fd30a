"""Workloads of a cluster as pods that share this machine's network: each has an address of its own in 127.0.0.0/8.

What `podman play kube` takes is left as it is: images, settings, security, limits, volumes. What it has not is done
here: a replica is a pod of its own, names of Services stand in a hosts file, secrets are files, and variables
that name others are filled in. Probes and `preStop` are left to whoever starts the pods.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Object = dict[str, Any]

_NAMED = re.compile(r"\$\((\w+)\)")
_KEPT = ("securityContext", "containers", "volumes")
_CONTAINER = ("name", "image", "args", "env", "envFrom", "resources", "securityContext", "volumeMounts")
EMPTY = "DirectoryOrCreate"
LISTENING = ("PARLEY_LISTEN", "PARLEY_METRICS_HOST", "PARLEY_GATEWAY_HOST", "PARLEY_BACKOFFICE_HOST")


@dataclass(frozen=True)
class Place:
    """One pod: `stt-0` at 127.1.3.1."""

    service: str
    n: int
    address: str

    @property
    def name(self) -> str:
        return f"{self.service}-{self.n}"


def places(objects: Sequence[Object], replicas: int = 2) -> list[Place]:
    """Where each replica of each workload is to be. `replicas`: of those that an autoscaler would decide on."""
    found = []
    for row, each in enumerate(_workloads(objects), 1):
        count = each["spec"].get("replicas", replicas)
        found += [Place(each["metadata"]["name"], n, f"127.1.{row}.{n + 1}") for n in range(count)]
    return found


def _workloads(objects: Sequence[Object]) -> list[Object]:
    return [each for each in objects if each["kind"] in ("Deployment", "StatefulSet")]


def localised(
    objects: Sequence[Object], where: Sequence[Place], images: Mapping[str, str], told: Mapping[str, str], folder: Path
) -> list[Object]:
    """ConfigMaps and pods. `images`: in place of others'. `told`: settings that differ here. Secrets go to `folder`."""
    maps = {each["metadata"]["name"]: deepcopy(each) for each in objects if each["kind"] == "ConfigMap"}
    secrets = {each["metadata"]["name"]: _values(each) for each in objects if each["kind"] == "Secret"}
    for name, values in secrets.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for key, value in values.items():
            (folder / name / key).write_text(value, "utf-8")
            (folder / name / key).chmod(0o444)
    for each in maps.values():
        each["metadata"].pop("namespace", None)
        if "PARLEY_METRICS_PORT" in each["data"]:
            each["data"] |= told
    variables = secrets | {name: each["data"] for name, each in maps.items()}
    hosts = ["127.0.0.1 localhost", *(" ".join((place.address, *_names(place))) for place in where)]
    (folder / "hosts").write_text("\n".join(hosts) + "\n", "utf-8")
    (folder / "hosts").chmod(0o444)
    pods = []
    for workload in _workloads(objects):
        its = [place for place in where if place.service == workload["metadata"]["name"]]
        pods += [_pod(workload, place, where, images, variables, folder) for place in its]
    return [*maps.values(), *pods]


def _values(secret: Object) -> dict[str, str]:
    plain = dict(secret.get("stringData", {}))
    return plain | {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}


def _pod(
    workload: Object,
    place: Place,
    where: Sequence[Place],
    images: Mapping[str, str],
    variables: Mapping[str, Mapping[str, str]],
    folder: Path,
) -> Object:
    template = deepcopy(workload["spec"]["template"])
    spec = {key: value for key, value in template["spec"].items() if key in _KEPT}
    claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())]
    volumes = [_volume(volume, variables, folder, place) for volume in spec["volumes"]]
    spec["volumes"] = [volume for volume in volumes if volume] + [
        {"name": name, "persistentVolumeClaim": {"claimName": f"{place.name}-{name}"}} for name in claims
    ]
    lost = {volume["name"] for volume in template["spec"]["volumes"]} - {volume["name"] for volume in spec["volumes"]}
    (container,) = ({key: value for key, value in each.items() if key in _CONTAINER} for each in spec["containers"])
    container["image"] = images.get(container["image"].partition(":")[0], container["image"])
    container["env"] = [{"name": key, "value": value} for key, value in _env(container, place, variables).items()]
    container.pop("envFrom", None)  # podman lets it win over `env`
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] not in lost]
    container["volumeMounts"].append({"name": "hosts", "mountPath": "/etc/hosts", "readOnly": True})
    spec["volumes"].append({"name": "hosts", "hostPath": {"path": str(folder / "hosts"), "type": "File"}})
    container["args"] = [*container.get("args", ()), *_arguments(place, where)]
    spec |= {
        "hostNetwork": True,
        "restartPolicy": "Always",
        "containers": [container],
    }
    labels = template["metadata"]["labels"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": place.name, "labels": labels}, "spec": spec}


def _names(place: Place) -> list[str]:
    """As the records of a headless Service and of a StatefulSet's pods."""
    return [place.service, f"{place.name}.{place.service}"]


def _volume(volume: Object, secrets: Mapping[str, Mapping[str, str]], folder: Path, place: Place) -> Object | None:
    """Empty ones are to be made for the pod's group (EMPTY), as the kubelet does and podman does not."""
    if "emptyDir" in volume:
        return {"name": volume["name"], "hostPath": {"path": str(folder / place.name / volume["name"]), "type": EMPTY}}
    if "secret" not in volume:
        return volume
    name = volume["secret"]["secretName"]
    if name not in secrets:
        assert volume["secret"].get("optional"), f"there is no secret {name}"
        return None
    return {"name": volume["name"], "hostPath": {"path": str(folder / name), "type": "Directory"}}


def _env(container: Object, place: Place, secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        (named,) = source.values()
        found |= secrets[named["name"]]
    for entry in container.get("env", ()):
        found[entry["name"]] = _filled(_value(entry, place, secrets), found)
    listening = {key for key in found if key in LISTENING}
    if listening:
        listening.add("PARLEY_METRICS_HOST")  # it stands among what all are told
    return found | {key: place.address + _port(found.get(key, "")) for key in sorted(listening)}


def _filled(value: str, known: Mapping[str, str]) -> str:
    """`$(NAME)` is another variable of the container."""
    return _NAMED.sub(lambda match: known[match[1]], value)


def _port(value: str) -> str:
    return f":{value.rpartition(':')[2]}" if ":" in value else ""


def _value(entry: Object, place: Place, secrets: Mapping[str, Mapping[str, str]]) -> str:
    if "value" in entry:
        return str(entry["value"])
    source = entry["valueFrom"]
    if "secretKeyRef" in source:
        return secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
    assert source == {"fieldRef": {"fieldPath": "metadata.name"}}
    return place.name


def _arguments(place: Place, where: Sequence[Place]) -> Iterator[str]:
    """Programs that are not ours take their address on the command line."""
    if place.service == "nats":
        yield from ("-a", place.address)
        if sum(other.service == "nats" for other in where) > 1:
            yield from ("--cluster_listen", f"nats://{place.address}:6222")
    elif place.service == "postgres":
        yield from ("-c", f"listen_addresses={place.address}")
