"""nginx in front of gateways that are made up: deploy/nginx/nginx.conf as it stands, but for its ports and certificate.

Debian's nginx is older than the image's: the line that asks for the gateways' addresses again is not run here.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

from runner.plan import free_ports
from tests.conftest import nginx
from tests.deploy.dockerfile import ROOT

pytestmark = pytest.mark.nginx
CONF = ROOT / "deploy" / "nginx"


class Behind:
    """A gateway that answers with the head of the request, and echoes what comes through a socket."""

    def __init__(self) -> None:
        self.port = 0
        self.sockets = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"upgrade: websocket" in head.lower():
                self.sockets += 1
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
                while data := await reader.read(100):
                    writer.write(data)
            else:
                writer.write(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head)
                )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Door:
    def __init__(self, plain: int, tls: int, context: ssl.SSLContext) -> None:
        self.plain = f"http://127.0.0.1:{plain}"
        self.url = f"https://127.0.0.1:{tls}"
        self._tls, self.context = tls, context

    async def socket(self, path: str) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        """The status of the answer to an upgrade, and the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._tls, ssl=self.context)
        head = f"GET {path} HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        return int(answer.split()[1]), reader, writer


@asynccontextmanager
async def door(
    folder: Path, gateways: list[Behind], changed: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Door]:
    """`changed`: texts of nginx.conf, and what stands in their place; each must be there."""
    plain, tls = free_ports(2)
    text = (CONF / "nginx.conf").read_text().replace("/run/nginx.pid", str(folder / "pid"))
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, after)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    upstream = (CONF / "upstream.conf").read_text()
    servers = "".join(f"server 127.0.0.1:{each.port} max_fails=1 fail_timeout=2s;" for each in gateways)
    lines = [line for line in upstream.splitlines() if not line.startswith(("resolver", "#"))]
    upstream = "\n".join(servers if "resolve" in line else line for line in lines)
    made = {
        "nginx.conf": text.replace("include upstream.conf;", f"{temporary} include upstream.conf;"),
        "upstream.conf": upstream,
        "listen_plain.conf": f"listen 127.0.0.1:{plain};",
        "listen_tls.conf": (CONF / "listen_tls.conf")
        .read_text()
        .replace("listen 443", f"listen 127.0.0.1:{tls}")
        .replace("/run/secrets/", f"{folder}/"),
    }
    for name, content in made.items():
        (folder / name).write_text(content)
    certificate = _certificate(folder)
    command = (str(nginx()), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        await _listening(tls, process)
        yield Door(plain, tls, ssl.create_default_context(cafile=certificate))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _certificate(folder: Path) -> str:
    """Its path; the key stands beside it."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(folder / "door_key"))
    name = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    path = str(folder / "door_certificate")
    subprocess.run(("openssl", "req", "-x509", *key, *name, "-out", path), check=True, capture_output=True)
    return path


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert process.returncode is None, (await process.stderr.read()).decode() if process.stderr else ""
            await asyncio.sleep(0.02)
            continue
        writer.close()
        return


async def test_what_callers_and_carriers_need_comes_through_and_nothing_else(tmp_path: Path) -> None:
    behind = Behind()
    async with behind.serving(), door(tmp_path, [behind]) as front:
        async with httpx.AsyncClient(verify=front.context, trust_env=False) as client:
            moved = await client.get(f"{front.plain}/?a=1")
            assert moved.status_code == 308
            assert moved.headers["location"].startswith("https://127.0.0.1/?a=1")
            lie = {"X-Forwarded-For": "127.0.0.1", "Host": "phone.example"}
            head = (await client.post(f"{front.url}/twilio-webhook?x=1", headers=lie, content=b"")).text.lower()
            assert head.startswith("post /twilio-webhook?x=1 http/1.1")
            assert "host: phone.example" in head
            assert "x-forwarded-proto: https" in head
            assert head.count("x-forwarded-for: 127.0.0.1\r\n") == 1
            for path in ("/metrics", "/health", "/ready", "/calls/CA1/timeline"):
                assert (await client.get(front.url + path)).status_code == 404
            page = await client.get(f"{front.url}/")
            assert page.status_code == 200
            assert page.headers["strict-transport-security"]
        for path in ("/twilio-stream", "/ws/voice", "/ws/chat"):
            status, reader, writer = await front.socket(path)
            assert status == 101
            writer.write(b"sound")
            assert await reader.readexactly(5) == b"sound"
            writer.close()


async def test_who_asks_too_often_is_told_so(tmp_path: Path) -> None:
    behind = Behind()
    fewer = {"limit_conn open_sockets 100": "limit_conn open_sockets 4"}
    async with behind.serving(), door(tmp_path, [behind], fewer) as front:
        async with httpx.AsyncClient(verify=front.context, trust_env=False) as client:
            every = await asyncio.gather(*(client.post(f"{front.url}/twilio-webhook") for _ in range(60)))
            statuses = [answer.status_code for answer in every]
            assert set(statuses) == {200, 429}
            assert statuses.count(200) >= 21  # one, and the burst
        kept = []
        opened = []
        for _ in range(6):
            status, _, writer = await front.socket("/twilio-stream")
            opened.append(status)
            kept.append(writer)
        assert opened == [101] * 4 + [429] * 2
        assert behind.sockets == 4
        for writer in kept:
            writer.close()


async def test_sockets_go_where_fewest_are_and_a_gateway_that_is_gone_is_missed_by_nobody(tmp_path: Path) -> None:
    one, other = Behind(), Behind()
    single = {"worker_processes auto": "worker_processes 1"}
    async with one.serving():
        async with (
            other.serving(),
            door(tmp_path, [one, other], single) as front,
        ):
            kept = [await front.socket("/ws/voice") for _ in range(6)]
            assert (one.sockets, other.sockets) == (3, 3)
            for _, _, writer in kept:
                writer.close()
            gone = Behind()
            gone.port = free_ports(1)[0]
        async with door(tmp_path, [gone, one]) as front:
            async with httpx.AsyncClient(verify=front.context, trust_env=False) as client:
                answers = [await client.post(f"{front.url}/twilio-webhook") for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200] * 4
