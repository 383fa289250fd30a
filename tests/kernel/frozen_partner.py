"""A process that opens a stream and then is stopped: `python -m tests.kernel.frozen_partner ADDRESS ORGAN`.

Says "open" once something came of its stream. What it asks for is epoch 1.1, turn 3 of CA1.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from parley.rpc import Peers
from parley.v1 import audio_pb2, call_pb2, llm_pb2, llm_pb2_grpc, tools_pb2, tools_pb2_grpc, tts_pb2, tts_pb2_grpc

EPOCH = call_pb2.Epoch(leg=1, open=1)
TURN = call_pb2.TurnRef(epoch=EPOCH, turn=3)


async def opened(peers: Peers, organ: str) -> Any:
    if organ == "llm":
        hello = llm_pb2.Message(role=llm_pb2.Message.ROLE_USER, text="hello")
        request = llm_pb2.ChatRequest(call_id="CA1", turn=TURN, messages=[hello])
        return await peers.open(llm_pb2_grpc.LanguageModelStub, "Chat", request=request)
    if organ == "tools":
        tool = tools_pb2.ExecuteRequest(
            call_id="CA1", epoch=EPOCH, intent=1, name="wait_for_ever", arguments_json="{}", agent="workshop"
        )
        return await peers.open(tools_pb2_grpc.ToolsStub, "Execute", request=tool)
    stream = await peers.open(tts_pb2_grpc.TextToSpeechStub, "Synthesize")
    audio = audio_pb2.AudioFormat(encoding=audio_pb2.ENCODING_MULAW, sample_rate_hz=8000)
    await stream.write(
        tts_pb2.SynthesizeRequest(config=tts_pb2.SynthesizeConfig(call_id="CA1", turn=TURN, format=audio))
    )
    await stream.write(tts_pb2.SynthesizeRequest(text="hello"))
    return stream


async def main(address: str, organ: str) -> None:
    async with Peers(organ, [address]) as peers:
        assert await peers.ready(30)
        stream = await opened(peers, organ)
        await stream.read()
        print("open", flush=True)
        while await stream.read() is not None:
            pass


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
