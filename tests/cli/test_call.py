"""`parley call`, as its user sees it: a process, its output and its exit status."""

from __future__ import annotations

import asyncio
import os
import sys
import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from parley.engines import engines_here
from parley.errors import BadInput, Misconfigured
from services.tts.local.process import WORDS_PER_MINUTE
from testbed.telephone.phone import CALLED
from testbed.telephone.voice import _OWN_PACES, ESPEAK, speak
from testbed.telephone.wav import read_wav, write_wav
from tests.cli.gateway import Line, fake_gateway, tone

pytestmark = pytest.mark.realtime


async def parley(*arguments: str, stdin: bytes = b"", **env: str) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PARLEY_", "TWILIO_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        env={**clean, **env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def question(tmp_path: Path) -> str:
    write_wav(tmp_path / "question.wav", tone(400))
    return str(tmp_path / "question.wav")


async def polite(line: Line) -> None:
    """Greets, and answers once what was said."""
    await line.media(tone(200))
    await line.until_caller_silent()
    await line.media(tone(700))
    await line.until("stop")


async def test_a_file_is_played_and_answered(tmp_path: Path, question: str) -> None:
    heard = tmp_path / "heard.wav"
    async with fake_gateway(polite) as gateway:
        status, out, err = await parley("call", question, "--gateway", gateway.url, "--out", str(heard))
    assert (status, err) == (0, "")
    assert gateway.asked[0][1]["To"] == CALLED
    assert '"question.wav"' in out
    assert "answered after" in out
    assert "carrier warning" not in out
    bars = {line.split()[0]: line for line in out.splitlines() if "█" in line}
    assert set(bars) == {"caller", "bot"}
    sound = read_wav(heard)
    assert tone(200) in sound
    assert tone(700) in sound
    with wave.open(str(heard)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)


async def test_a_number_of_ours_is_called(tmp_path: Path, question: str) -> None:
    async with fake_gateway(polite) as gateway:
        to, out = ("--to", "+1 (555) 123-4567"), ("--out", str(tmp_path / "h.wav"))
        status, _, err = await parley("call", question, "--gateway", gateway.url, *to, *out)
    assert (status, err) == (0, "")
    assert gateway.asked[0][1]["To"] == "+15551234567"


async def test_a_bot_that_does_not_answer_is_exit_status_1(tmp_path: Path, question: str) -> None:
    async def deaf(line: Line) -> None:
        await line.media(tone(200))
        await line.until_caller_silent()
        await line.socket.close()

    async with fake_gateway(deaf) as gateway:
        status, out, _ = await parley("call", question, "--gateway", gateway.url, "--out", str(tmp_path / "h.wav"))
    assert status == 1
    assert "no answer" in out
    assert "the bot hung up" in out


async def test_an_interruption_is_measured(tmp_path: Path, question: str) -> None:
    async def talkative(line: Line) -> None:
        await line.media(tone(200))
        await line.until_caller_silent()
        begun = len(line.of("media"))
        await line.media(tone(3000))
        while set(line.of("media")[-1][1]["media"]["payload"][:200]) == {"/"}:
            await line.until("media", len(line.of("media")) + 1)
        await line.clear()
        await line.until_caller_silent(400, begun)
        await line.media(tone(300))
        await line.until("stop")

    async with fake_gateway(talkative) as gateway:
        status, out, err = await parley(
            "call", question, "--barge-in", "0.4", "--gateway", gateway.url, "--out", str(tmp_path / "h.wav")
        )
    assert (status, err) == (0, "")
    assert '"sorry, what are your opening hours"' in out
    assert "interrupts: clear after" in out, out
    measured = next(line for line in out.splitlines() if "interrupts" in line)
    assert int(measured.split("silence after ")[1].split()[0]) < 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("call",), "give either a WAV file or --say"),
        (("call", "--say", "hello", "--to", "bank"), "'bank': neither a number (+15551234567)"),
        (("call", "--say", "hello", "--to", "+1555*"), "--to +1555*: one number, as +15551234567"),
        (("call", "missing.wav"), "missing.wav: No such file"),
        (("call", "--say", "..."), "there are no words to say"),
        (
            ("call", "--say", "hello", "--gateway", "127.0.0.1:1"),
            "no gateway at http://127.0.0.1:1; start one with `make",
        ),
        (("call", "--say", "hello", "--gateway", "ftp://here"), "must be an address such as"),
        (("chat", "--gateway", "127.0.0.1:1"), "no gateway at http://127.0.0.1:1"),
    ],
)
async def test_wrong_arguments_are_one_line_and_exit_status_2(arguments: tuple[str, ...], words: str) -> None:
    status, out, err = await parley(*arguments)
    assert status == 2
    assert out == ""
    assert err.startswith("parley: ")
    assert words in err
    assert err.count("\n") == 1


async def test_the_gateway_of_make_run_is_found_by_its_port() -> None:
    status, _, err = await parley("call", "--say", "hello", PARLEY_GATEWAY_PORT="1")
    assert status == 2
    assert "http://127.0.0.1:1;" in err


@pytest.mark.parametrize("voice", ["", "en-us+klatt4"])
async def test_the_callers_voice_speaks_at_the_pace_asked_for(voice: str) -> None:
    slow, again = await speak(["where is my order", "where is my order"], voice)
    (quick,) = await speak(["where is my order"], voice, pace=260)
    assert len(slow) == pytest.approx(len(again), rel=0.02)
    assert len(quick) < 0.7 * len(slow)
    assert np.any(np.frombuffer(slow, np.uint8) != 0xFF)


async def test_the_callers_voice_is_natural_unless_it_is_named_or_only_espeak_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _OWN_PACES[ESPEAK] == WORDS_PER_MINUTE
    (natural,) = await speak(["where is my order"])
    (robot,) = await speak(["where is my order"], "en-us+klatt4")
    assert len(natural) != len(robot)
    without(monkeypatch, "hibari")
    assert await speak(["where is my order"]) == [robot]


async def test_a_voice_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="no voice 'nobody'"):
        await speak(["hello"], voice="nobody")
    without(monkeypatch, "espeakng_loader")
    assert await speak(["hello"])
    with pytest.raises(Misconfigured, match=r"'en-us' .* pip install 'parley\[espeak\]'"):
        await speak(["hello"], voice="en-us")
    without(monkeypatch, "hibari", "espeakng_loader")
    with pytest.raises(Misconfigured, match=r"pip install 'parley\[local\]', or give a WAV file"):
        await speak(["hello"])


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if these were not installed."""
    monkeypatch.setattr("parley.engines.find_spec", lambda name: None if name in packages else find_spec(name))
    monkeypatch.setattr("testbed.telephone.voice.engines_here", engines_here.__wrapped__)
