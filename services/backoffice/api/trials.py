"""`/api/test-llm`, `/api/test-nlu`, `/api/test-tts`: one sentence through the model, the understanding or the voice.

It goes the way that a call's goes, to a replica that takes calls, and costs what it costs at the vendor: so each person
may try a few times a minute, and few at a time.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from parley.audio import BROWSER
from parley.audio.wire import to_wire
from parley.errors import Misconfigured, NotBuilt, TooLate, Unavailable
from parley.rpc import Peers, call
from parley.v1 import llm_pb2, llm_pb2_grpc, tts_pb2, tts_pb2_grpc
from services.backoffice.api.requests.asked import Body, Supervisor
from services.backoffice.api.requests.problems import Problem, answers
from services.backoffice.configuration.trying import TooOften
from services.backoffice.parts import Parts

TIMEOUT_S = 20.0
LEARN_S = 25.0
"""What sentences mean is learned with the first one. Proxies and clients wait for half a minute."""
MAX_SENTENCE = 500
MAX_ANSWER = 4_000
MAX_TOKENS = 300
MAX_SOUND_S = 60
SYSTEM = "Somebody tries out how you answer. Answer in one or two short sentences, as on the telephone."
Text = Field(min_length=1, max_length=MAX_SENTENCE, examples=["Where is my order one two three four?"])


class Times(BaseModel):
    """Milliseconds from the request on, as a caller would wait."""

    first_ms: float | None = Field(examples=[412.5])
    total_ms: float = Field(examples=[890.1])


class AskModel(Body):
    text: str = Text
    agent: str = Field("", max_length=100, description="Whose understanding the local engine has; empty: the default")
    system: str = Field("", max_length=2_000, description="Instructions; empty: to be brief")
    language: str = Field("en", max_length=20)


class Called(BaseModel):
    name: str
    arguments_json: str


class ModelAnswer(BaseModel):
    text: str
    engine: str = Field(examples=["local"])
    model: str
    input_tokens: int
    output_tokens: int
    tools: list[Called]
    times: Times


class AskUnderstanding(Body):
    text: str = Text
    agent: str = Field("", max_length=100, description="Whose intents; empty: the default agent's")
    language: str = Field("en", max_length=20)


class Understood(BaseModel):
    """`confidence`: in the intent; where there is none, of the likeliest. `…_by`: the tier that told; empty: none."""

    intent: str = Field(examples=["check_order_status"])
    confidence: float
    intent_by: str = Field(examples=["phrases"])
    slots: dict[str, str]
    emotion: str = Field(examples=["neutral"])
    emotion_confidence: float
    emotion_by: str = Field(examples=["meaning"])
    times: Times


class AskVoice(Body):
    text: str = Text
    voice: str = Field("", max_length=200, description="As in an agent's `voice`; empty: the engine's own")
    language: str = Field("en", max_length=20)


_SOUND = {
    "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    "description": "16 kHz, 16 bit, mono",
    "headers": {
        "Parley-Engine": {"description": "Who spoke, comma-separated", "schema": {"type": "string"}},
        "Parley-First-Ms": {"description": "To the first sound", "schema": {"type": "number"}},
        "Parley-Total-Ms": {"description": "To the last", "schema": {"type": "number"}},
    },
}


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/api", tags=["engines"], responses=answers(401, 403, 404, 422, 429, 503))
    trials = parts.trials

    @contextmanager
    def one(who: Supervisor) -> Iterator[None]:
        """Raises Problem: too often, or what is tried cannot be had as it is configured."""
        try:
            with trials.one(who.name):
                yield
        except TooOften as e:
            headers = {"Retry-After": str(max(1, int(e.wait_s + 1)))}
            raise Problem(429, str(e), remedy="wait a moment", headers=headers) from None
        except (Misconfigured, NotBuilt) as e:
            raise Problem(422, str(e), remedy="look at the engines and their settings") from None

    @routes.post("/test-llm")
    async def test_llm(body: AskModel, who: Supervisor) -> ModelAnswer:
        """One sentence through the model that a call has, without tools."""
        request = llm_pb2.ChatRequest(
            call_id=_call_id(),
            agent=body.agent or parts.settings.agent,
            system=body.system or SYSTEM,
            messages=[llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text=body.text)],
            max_output_tokens=MAX_TOKENS,
            language=body.language,
        )
        with one(who):
            found = await _asked(trials.llm, request)
        await parts.audit.note(who.name, "test.llm", found.engine, {"ms": round(found.times.total_ms)})
        return found

    @routes.post("/test-nlu")
    async def test_nlu(body: AskUnderstanding, who: Supervisor) -> Understood:
        """What a sentence means to an agent: intent, slots, emotion."""
        agent = body.agent or parts.settings.agent
        request = llm_pb2.UnderstandRequest(call_id=_call_id(), agent=agent, text=body.text, language=body.language)
        begun = time.monotonic()
        with one(who):
            stub = llm_pb2_grpc.LanguageModelStub
            try:
                reply = await call(trials.llm, stub, "Understand", request, timeout_s=LEARN_S)
            except TooLate:
                raise Unavailable("what sentences mean is still being learned; try again in a moment") from None
        total_ms = _ms(begun)
        await parts.audit.note(who.name, "test.nlu", agent, {"ms": round(total_ms)})
        return Understood(
            intent=reply.intent,
            confidence=reply.confidence,
            intent_by=reply.intent_by,
            slots=dict(reply.slots),
            emotion=reply.emotion,
            emotion_confidence=reply.emotion_confidence,
            emotion_by=reply.emotion_by,
            times=Times(first_ms=None, total_ms=total_ms),
        )

    @routes.post("/test-tts", response_class=Response, responses={200: _SOUND})
    async def test_tts(body: AskVoice, who: Supervisor) -> Response:
        """One sentence in the voice that a call has, as a WAV."""
        with one(who):
            sound, engines, first_ms, total_ms = await _spoken(trials.tts, body)
        await parts.audit.note(who.name, "test.tts", ",".join(engines), {"ms": round(total_ms)})
        headers = {
            "Parley-Engine": ",".join(engines),
            "Parley-First-Ms": f"{first_ms:.1f}",
            "Parley-Total-Ms": f"{total_ms:.1f}",
            "Cache-Control": "no-store",
        }
        return Response(wav(sound), media_type="audio/wav", headers=headers)

    return routes


async def _asked(llm: Peers, request: llm_pb2.ChatRequest) -> ModelAnswer:
    begun, first_ms, text, tools, usage = time.monotonic(), None, "", list[Called](), llm_pb2.Usage()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            stream = await llm.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request)
            try:
                async for event in stream:
                    match event.WhichOneof("event"):
                        case "text_delta":
                            first_ms = first_ms if first_ms is not None else _ms(begun)
                            text = (text + event.text_delta)[:MAX_ANSWER]
                        case "unsay":
                            text = ""
                        case "tool_call":
                            tools.append(
                                Called(name=event.tool_call.name, arguments_json=event.tool_call.arguments_json)
                            )
                        case "usage":
                            usage = event.usage
            finally:
                stream.cancel()
    except TimeoutError:
        raise Unavailable(f"the model did not answer within {TIMEOUT_S:g} s; look at the engines") from None
    return ModelAnswer(
        text=text,
        engine=usage.vendor,
        model=usage.model,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        tools=tools,
        times=Times(first_ms=first_ms, total_ms=_ms(begun)),
    )


async def _spoken(tts: Peers, body: AskVoice) -> tuple[bytes, list[str], float, float]:
    begun, first_ms, sound, engines = time.monotonic(), 0.0, bytearray(), list[str]()
    most = int(MAX_SOUND_S * 1000 * BROWSER.bytes_per_ms)
    config = tts_pb2.SynthesizeConfig(
        call_id=_call_id(), format=to_wire(BROWSER), voice=body.voice, language=body.language
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            stream = await tts.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
            try:
                await stream.write(tts_pb2.SynthesizeRequest(config=config))
                await stream.write(tts_pb2.SynthesizeRequest(text=body.text))
                await stream.done_writing()
                async for event in stream:
                    if event.audio.data and not sound:
                        first_ms = _ms(begun)
                    sound += event.audio.data
                    engines += [event.audio.engine] if event.audio.engine else []
                    if len(sound) > most:
                        break
            finally:
                stream.cancel()
    except TimeoutError:
        raise Unavailable(f"the voice did not answer within {TIMEOUT_S:g} s; look at the engines") from None
    return bytes(sound[:most]), engines, first_ms, _ms(begun)


def wav(sound: bytes) -> bytes:
    """16 kHz, 16 bit, mono, with the head of a WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(BROWSER.rate)
        file.writeframes(sound)
    return out.getvalue()


def _call_id() -> str:
    """No call has it: it is taken as a new one, with what is configured now."""
    return f"test-{os.urandom(8).hex()}"


def _ms(begun: float) -> float:
    return round((time.monotonic() - begun) * 1000, 1)
