"""The short forms of `deepgram.yaml` and `flux.yaml` as messages, as the SDK's types describe them.

    final: Hello.          a Results that is final; `ends: true`: speech_final as well
    interim: Hel           one that is not
    started: 0.2           SpeechStarted                 utterance_end: 1.2      UtteranceEnd
    turn: Update           a TurnInfo of Flux, with `text`
    sent: {...}            any other message             raw: "..."  bytes: "00ff"      a frame as it is
    wait: 0.1              seconds                       close: [1011, "why"]   CUT
    quiet: 9               seconds with an interim without words in each

`but: {path: value}` and `without: [path]` make a dent in what would be sent. Each result begins where the one before
ended; a word takes 300 ms.
"""

from __future__ import annotations

import json
from typing import Any

from tests.oddities.dents import dented
from tests.oddities.raw_socket import Close, Step

WORD_S = 0.3
REQUEST = "4a9f0c1e"


class Wire:
    """One connection's messages; their clock starts at 0."""

    def __init__(self) -> None:
        self._at = 0.1
        self._sequence = 0
        self._turn = 0

    def steps(self, items: list[Any]) -> list[Step]:
        return [self.step(each) for item in items for each in _each(item)]

    def step(self, item: Any) -> Step:
        if item == "CUT":
            return Close()
        if "close" in item:
            return Close(*item["close"])
        if "wait" in item:
            return float(item["wait"])
        if "raw" in item:
            return str(item["raw"])
        if "bytes" in item:
            return bytes.fromhex(item["bytes"])
        return json.dumps(self.message(item), ensure_ascii=False)

    def message(self, item: dict[str, Any]) -> Any:
        return dented(self._whole(item), item.get("but"), item.get("without"))

    def _whole(self, item: dict[str, Any]) -> Any:
        if "sent" in item:
            return item["sent"]
        if "final" in item:
            return self._results(item["final"], final=True, ends=bool(item.get("ends")))
        if "interim" in item:
            return self._results(item["interim"], final=False, ends=False)
        if "started" in item:
            return {"type": "SpeechStarted", "channel": [0, 1], "timestamp": item["started"]}
        if "utterance_end" in item:
            return {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": item["utterance_end"]}
        return self._turn_info(item["turn"], item.get("text", ""))

    def _words(self, text: str) -> list[dict[str, Any]]:
        return [
            {
                "word": word.strip(".,?!").lower(),
                "start": round(self._at + i * WORD_S, 3),
                "end": round(self._at + (i + 1) * WORD_S, 3),
                "confidence": 0.98,
                "punctuated_word": word,
            }
            for i, word in enumerate(text.split())
        ]

    def _results(self, text: str, final: bool, ends: bool) -> dict[str, Any]:
        words = self._words(text)
        length = round(max(1, len(words)) * WORD_S, 3)
        made = {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": length,
            "start": round(self._at, 3),
            "is_final": final,
            "speech_final": ends,
            "channel": {"alternatives": [{"transcript": text, "confidence": 0.98 if text else 0.0, "words": words}]},
            "metadata": {"request_id": REQUEST, "model_info": {"name": "nova-3", "version": "1", "arch": "nova-3"}},
            "from_finalize": False,
        }
        self._at += length if final else 0.0
        return made

    def _turn_info(self, event: str, text: str) -> dict[str, Any]:
        words = [{**word, "word": word.pop("punctuated_word")} for word in self._words(text)]
        self._sequence += 1
        until = self._at + max(1, len(words)) * WORD_S
        made: dict[str, Any] = {
            "type": "TurnInfo",
            "request_id": REQUEST,
            "sequence_id": self._sequence,
            "event": event,
            "turn_index": self._turn,
            "audio_window_start": round(self._at, 3),
            "audio_window_end": round(until, 3),
            "transcript": text,
            "words": words,
            "end_of_turn_confidence": 0.9 if "End" in event else 0.1,
        }
        if event == "EndOfTurn":
            made["trigger"] = "model"
            self._turn, self._at = self._turn + 1, until
        return made


CONNECTED = json.dumps({"type": "Connected", "request_id": REQUEST, "sequence_id": 0})


def _each(item: Any) -> list[Any]:
    return [{"wait": 1.0}, {"interim": ""}] * item["quiet"] if "quiet" in item else [item]
