"""What the page shows of a call: both sides' words and who is at turn. Silent on the telephone."""

from __future__ import annotations

from parley.v1 import conversation_pb2
from services.gateway.call import Wire

MAX_OPEN = 64
MAX_TEXT = 20_000
"""Characters of an utterance, as many as the mouth takes; what is beyond is not shown either."""


class Subtitles:
    """Tells the page; see docs/protocol.md for each message."""

    def __init__(self, wire: Wire, shown: bool) -> None:
        self._wire = wire
        self._shown = shown
        self._state = ""
        self._bot: tuple[int, str, int] | None = None
        self._texts: dict[int, str] = {}

    def state(self, state: str) -> None:
        """`listening`, `thinking`, `speaking`, or `paused`: silent for now, to hear whether the caller goes on."""
        if self._shown and state != self._state:
            self._state = state
            self._wire.tell({"type": "state", "state": state})

    def caller(self, text: str, *, final: bool) -> None:
        if self._shown:
            self._wire.tell({"type": "subtitle", "side": "caller", "text": text, "final": final})

    def said(self, utterance: int, text: str) -> None:
        """Words the mouth was given; kept until the utterance is over."""
        said = self._texts.get(utterance, "") + text
        if self._shown and (utterance in self._texts or len(self._texts) < MAX_OPEN) and len(said) <= MAX_TEXT:
            self._texts[utterance] = said

    def bot(self, progress: tuple[int, str, int] | None) -> None:
        """`progress`: utterance, its text so far, how many characters of it were heard."""
        if not self._shown or progress is None or progress == self._bot:
            return
        self._bot = progress
        utterance, text, heard = progress
        self._wire.tell(
            {"type": "subtitle", "side": "bot", "utterance": utterance, "text": text, "heard": heard, "final": False}
        )

    def bot_over(self, heard: conversation_pb2.Heard) -> None:
        """The utterance is over: how many characters of its text were heard."""
        if self._shown:
            self._bot = None
            text = self._texts.pop(heard.utterance, "")
            over = {"utterance": heard.utterance, "text": text, "heard": heard.chars, "final": True, "cut": heard.cut}
            self._wire.tell({"type": "subtitle", "side": "bot", **over})

    def show(self, show: conversation_pb2.Show) -> None:
        """A card, a form, a link: `json` as the agent made it."""
        if self._shown:
            self._wire.tell({"type": "show", "name": show.name, "json": show.json})
