"""`make containers`: build the images, run docker-compose.yml, place calls, kill what serves them."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml

from parley.errors import ParleyError, Unavailable
from parley.settings import Settings
from runner.plan import free_ports
from testbed.containers import base, checks
from testbed.containers.engine import Engine, run, running, started
from testbed.containers.file import ROOT, SERVICES, TWICE, on_the_host, read
from testbed.containers.house import ComposeHouse, House, PlainHouse

IMAGES = (*SERVICES, "cli")
NAME = "parley-containers"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make containers", description=__doc__)
    parser.add_argument("--own", choices=("docker", "podman"), help="start an engine for the while, with stand-ins")
    parser.add_argument("--builder", choices=("buildah",), help="build with it, into the store of --own podman")
    parser.add_argument("--rebuild", action="store_true", help="build images that are there")
    parser.add_argument("--short", action="store_true", help="one call, and nobody is killed")
    return parser.parse_args()


@contextmanager
def engine_of(options: argparse.Namespace, kept: Path) -> Iterator[Engine]:
    found = None if options.own else running()
    if found is not None:
        yield found
        return
    with started(options.own or "docker", kept / (options.own or "docker")) as engine:
        say(f"an engine of its own: {engine.kind}, on the host's network, with stand-ins made here")
        began = time.monotonic()
        base.make(engine, kept)
        say(f"base image and stand-ins: {time.monotonic() - began:.0f} s")
        yield engine


def say(line: str) -> None:
    print(line, flush=True)


def tell(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def image(name: str) -> str:
    return f"{os.environ.get('PARLEY_REGISTRY', '')}parley-{name}:{os.environ.get('PARLEY_VERSION', 'dev')}"


def missing(engine: Engine) -> list[str]:
    return [name for name in IMAGES if engine.status("image", "inspect", image(name))]


def build(engine: Engine, names: list[str], flags: str = "", builder: str | None = None) -> None:
    """By scripts/images/build.sh, with the engine itself if no other `builder` is named."""
    env = {**engine.environment, "CONTAINER_ENGINE": builder or engine.program, "BUILD_FLAGS": flags}
    if engine.own:
        env |= {"BASE": base.BASE, "BUILD_FLAGS": f"{flags} --network host"}
    began = time.monotonic()
    run((str(ROOT / "scripts" / "images" / "build.sh"), *names), env, timeout_s=3600)
    say(f"built in {time.monotonic() - began:.0f} s by {builder or engine.kind}: {', '.join(names)}")


def house_of(engine: Engine, folder: Path) -> House:
    """The file as it stands where the engine has networks, else the same on the host's."""
    port = _two_free_ports()
    if not engine.own:
        os.environ["PARLEY_PORT"] = str(port)
        return ComposeHouse(engine, NAME, scale=TWICE)
    compose = on_the_host(read(), base.STAND_INS, port)
    if engine.kind == "podman":
        return PlainHouse(engine, NAME, compose)
    file = folder / "docker-compose.yml"
    file.write_text(yaml.safe_dump(compose))
    return ComposeHouse(engine, NAME, file)


def _two_free_ports() -> int:
    """The first of two that follow one another."""
    for _ in range(100):
        (port,) = free_ports(1)
        with socket.socket() as next_to_it, suppress(OSError):
            next_to_it.bind(("127.0.0.1", port + 1))
            return port
    raise Unavailable("no two free ports beside each other")


def examine(engine: Engine, options: argparse.Namespace) -> None:
    tell(checks.the_files_are_well(None))
    if names := list(IMAGES) if options.rebuild else missing(engine):
        build(engine, names, builder=options.builder)
    tell(checks.sizes(engine, base.BASE if engine.own else "", [image(name) for name in IMAGES]))
    with tempfile.TemporaryDirectory() as folder:
        house = house_of(engine, Path(folder))
        house.down()  # what a run that was killed has left
        try:
            began = time.monotonic()
            house.up()
            house.until_healthy(SERVICES)
            say(f"up, everything healthy: {time.monotonic() - began:.0f} s")
            tell(checks.an_ordinary_call(house))
            tell(checks.it_is_on_record(house))
            tell(checks.the_office_works(house))
            tell(checks.containers_may_little(house))
            tell(checks.the_list_is_right(house))
            tell(checks.a_limit_bites(engine, image("tools")))
            if engine.kind == "docker":
                tell(checks.nobody_started_too_early(house))
            if not options.short:
                for service in TWICE:
                    tell(checks.a_call_outlives(house, service))
                say("memory after the calls:")
                tell(checks.memory(house))
                tell(checks.keys_stay(house))
                tell(checks.an_ordinary_call(house))
                tell(
                    checks.the_same_again(
                        engine,
                        lambda: build(engine, ["orchestrator"], "--no-cache", options.builder),
                        image("orchestrator"),
                    )
                )
        finally:
            house.down()


def main() -> int:
    options = arguments()
    if options.builder and options.own != "podman":
        say("containers: --builder buildah goes with --own podman, whose store it shares")
        return 2
    kept = Settings.read().data_dir.resolve() / "containers"
    try:
        with engine_of(options, kept) as engine:
            examine(engine, options)
    except ParleyError as error:
        say(f"containers: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
