"""Between services: who is believed, who may call whom, who is refused, and a certificate renewed in mid-stream."""

from __future__ import annotations

import ast
import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from parley.errors import Misconfigured, NotAllowed, Unavailable
from parley.rpc import Admission, Peers, Server, call, renewal
from parley.rpc.tls import CALLERS, channel
from parley.security import certificates
from parley.security.certificates import Certificates
from parley.v1 import rag_pb2, rag_pb2_grpc, tts_pb2, tts_pb2_grpc
from runner.authority import Authority
from testbed.patience import PATIENCE_S
from tests.kernel.test_rpc import Knowledge, Voice, address, say

EVERYBODY = sorted({*CALLERS, *(caller for callers in CALLERS.values() for caller in callers), "operator"})
ROOT = Path(__file__).parents[2]


class Ring:
    """Certificates of one authority, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)

    def __getitem__(self, name: str) -> Certificates:
        issued = self.authority.issue(name)
        return Certificates(issued.ca, issued.cert, issued.key)

    def replaced(self) -> None:
        """In the same files, certificates of another authority."""
        folder = self.folder
        other = Authority(folder.with_name("later"))
        for mine in folder.iterdir():
            issued = other.issue(mine.name)
            for file in (issued.ca, issued.cert, issued.key):
                (mine / file.name).write_bytes(file.read_bytes())


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "tls")


@pytest.fixture
def strangers(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "strangers")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "LOOK_S", 0.02)
    monkeypatch.setattr(renewal, "LOOK_S", 0.02)


@asynccontextmanager
async def serving(
    name: str, its: Certificates | None, listen: str = "127.0.0.1:0", voice: str = "a"
) -> AsyncIterator[Server]:
    server = Server(name, listen, Admission(10), its)
    speech, knowledge = (
        tts_pb2.DESCRIPTOR.services_by_name["TextToSpeech"],
        rag_pb2.DESCRIPTOR.services_by_name["Knowledge"],
    )
    server.add(speech, tts_pb2_grpc.add_TextToSpeechServicer_to_server, Voice(server.admission, voice))
    server.add(knowledge, rag_pb2_grpc.add_KnowledgeServicer_to_server, Knowledge())
    await server.start()
    try:
        yield server
    finally:
        await server.drain(0)


async def search(peers: Peers) -> None:
    await call(peers, rag_pb2_grpc.KnowledgeStub, "Search", rag_pb2.SearchRequest(query="0"), timeout_s=PATIENCE_S)


async def test_every_service_answers_its_callers_and_nobody_else(ring: Ring) -> None:
    shown = {name: ring[name] for name in EVERYBODY}
    wrong = []
    for service, callers in CALLERS.items():
        async with serving(service, shown[service]) as server:
            for caller in EVERYBODY:
                line = channel(address(server), service, shown[caller].now(), ())
                asked = rag_pb2_grpc.KnowledgeStub(line).Search(rag_pb2.SearchRequest(query="0"), timeout=PATIENCE_S)
                answer = await asked.code(), await asked.details()
                refused = grpc.StatusCode.PERMISSION_DENIED, f"{caller} may not call {service}"
                if answer != ((grpc.StatusCode.OK, "") if caller in callers else refused):
                    wrong.append((caller, service, answer))
                await line.close()
    assert not wrong


async def test_streams_and_beats_are_heard_over_tls(ring: Ring) -> None:
    async with (
        serving("tts", ring["tts"]) as server,
        Peers("tts", [address(server)], certificates=ring["gateway"]) as peers,
    ):
        assert await peers.ready(PATIENCE_S)
        assert await say(peers, "hello") == b"a:hello"
        await search(peers)


async def test_a_caller_that_may_not_is_refused_counted_and_logged(ring: Ring) -> None:
    def refused() -> float:
        return REGISTRY.get_sample_value("voice_callers_refused_total", {"caller": "stt"}) or 0.0

    before = refused()
    async with serving("llm", ring["llm"]) as server:
        with capture_logs() as logs:
            async with Peers("llm", [address(server)], certificates=ring["stt"]) as peers:
                with pytest.raises(NotAllowed, match="^stt may not call llm$"):
                    await search(peers)
                with pytest.raises(NotAllowed, match="^stt may not call llm$"):
                    await say(peers, "hello")
                assert not peers.all[0].alive
    assert refused() >= before + 2
    told = [entry for entry in logs if entry["event"] == "a caller is refused"]
    assert told
    assert told[0]["caller"] == "stt"


async def test_a_name_the_authority_signed_and_nobody_knows_is_refused(ring: Ring) -> None:
    async with (
        serving("llm", ring["llm"]) as server,
        Peers("llm", [address(server)], certificates=ring["printer"]) as peers,
    ):
        with pytest.raises(NotAllowed, match="^printer may not call llm$"):
            await search(peers)


async def test_a_stranger_with_the_right_name_is_let_in_by_nobody(ring: Ring, strangers: Ring) -> None:
    async with serving("tts", ring["tts"]) as server:
        # He believes the house's authority, and shows a certificate of his own.
        his = strangers["gateway"].now()
        mixed = grpc.ssl_channel_credentials(ring["gateway"].now().ca, his.key, his.cert)
        for credentials in (mixed, grpc.ssl_channel_credentials(ring["gateway"].now().ca), None):
            named = [("grpc.ssl_target_name_override", "tts")]
            line = (
                grpc.aio.insecure_channel(address(server))
                if credentials is None
                else grpc.aio.secure_channel(address(server), credentials, options=named)
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await rag_pb2_grpc.KnowledgeStub(line).Search(rag_pb2.SearchRequest(query="0"), timeout=PATIENCE_S)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            await line.close()
        async with Peers("tts", [address(server)], certificates=ring["gateway"]) as peers:
            assert await say(peers, "hello") == b"a:hello"


@pytest.mark.parametrize("impostor", ["of another authority", "of another service", "in the clear"])
async def test_a_server_that_cannot_prove_its_name_is_told_nothing(ring: Ring, strangers: Ring, impostor: str) -> None:
    name, its = {
        "of another authority": ("tts", strangers["tts"]),
        "of another service": ("rag", ring["rag"]),
        "in the clear": ("tts", None),
    }[impostor]
    async with serving(name, its) as server:
        with capture_logs() as logs:
            async with Peers("tts", [address(server)], certificates=ring["gateway"]) as peers:
                with pytest.raises(Unavailable):
                    await say(peers, "hello")
                async with asyncio.timeout(PATIENCE_S):
                    while not any(entry["event"] == "a peer is not reached" for entry in logs):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                assert not peers.all[0].known


def test_a_service_does_not_start_with_the_certificate_of_another(ring: Ring) -> None:
    with pytest.raises(Misconfigured, match="PARLEY_TLS_CERT: it is for llm; this is stt"):
        Server("stt", "127.0.0.1:0", Admission(1), ring["llm"])
    with pytest.raises(Misconfigured, match="nobody may call printer"):
        Server("printer", "127.0.0.1:0", Admission(1), ring["printer"])


async def test_a_renewed_certificate_hurts_no_stream_and_is_soon_the_only_one(ring: Ring) -> None:
    tts, gateway = ring["tts"], ring["gateway"]
    async with serving("tts", tts) as server, Peers("tts", [address(server)], certificates=gateway) as peers:
        (peer,) = peers.all
        long = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
        await long.write(tts_pb2.SynthesizeRequest(text="one"))
        assert (await long.read()).audio.data == b"a:one"
        old, line, trunk = peer.certificate, peer.channel, peer.trunk()

        ring.authority.renew()
        async with asyncio.timeout(PATIENCE_S):
            while peer.certificate is old:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        beats = peer.beats
        assert peer.channel is not line
        assert peer.certificate is gateway.now()
        assert await say(peers, "new") == b"a:new"
        assert _shown_by(server, gateway) == tts.now().cert.decode()

        await long.write(tts_pb2.SynthesizeRequest(text="two"))
        assert (await long.read()).audio.data == b"a:two"
        await long.done_writing()
        assert await long.read() is None
        async with asyncio.timeout(PATIENCE_S):
            while not trunk.broken or peer.beats == beats:  # the old line goes with the last call on it  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert peer.alive
        assert peer.trunk() is not trunk


def _shown_by(server: Server, its: Certificates) -> str:
    """What a client sees that connects now."""
    context = its.now().context
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", server.port)) as raw,
        context.wrap_socket(raw, server_hostname="tts") as seen,
    ):
        return ssl.DER_cert_to_PEM_cert(seen.getpeercert(binary_form=True) or b"")


async def test_a_peer_that_is_back_is_reached_with_the_certificate_of_then(ring: Ring) -> None:
    """Under another authority: what was shown before would be refused."""
    tts, gateway = ring["tts"], ring["gateway"]
    async with AsyncExitStack() as stack:
        async with serving("tts", tts) as first:
            peers = await stack.enter_async_context(Peers("tts", [address(first)], certificates=gateway))
            assert await say(peers, "hello") == b"a:hello"
        ring.replaced()
        await stack.enter_async_context(serving("tts", tts, address(first), "b"))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with suppress(Unavailable):
                    assert await say(peers, "hello") == b"b:hello"
                    return
                await asyncio.sleep(0.02)


def test_the_table_of_callers_is_what_the_code_calls() -> None:
    """Every way to another service, found in the source; the command has a name of its own."""
    calls: dict[str, set[str]] = {}
    for path in [*ROOT.glob("services/*/**/*.py"), ROOT / "cli/mcp.py"]:
        caller = "mcp-actions" if path.parts[-2] == "cli" else path.relative_to(ROOT / "services").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Peers", "reach"):
                assert isinstance(node.args[0], ast.Constant), path
                calls.setdefault(str(node.args[0].value), set()).add(caller)
    assert calls == CALLERS
