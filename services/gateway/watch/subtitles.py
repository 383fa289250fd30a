"""Both sides' words, and what else the agent shows, as the page has it. There is none on the telephone."""

from __future__ import annotations

from parley.v1 import conversation_pb2
from services.gateway.call import Wire
from services.gateway.watch.watcher import Seen, Watcher

MAX_OPEN = 64
MAX_TEXT = 20_000
"""Characters of an utterance, as many as the mouth takes; what is beyond is not shown either."""


class Subtitles(Watcher):
    """Tells the page; see docs/protocol.md for each message."""

    def __init__(self, page: Wire) -> None:
        self._page = page
        self._bot: tuple[int, str, int] | None = None
        self._last = 0
        self._texts: dict[int, str] = {}
        """Words the mouth was given, by utterance, until it is over."""

    def event(self, event: conversation_pb2.CallEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "speech" and event.speech.HasField("interim"):
            self._caller(event.speech.interim.text, final=False)
        elif kind == "speech" and event.speech.HasField("final"):
            self._caller(event.speech.final.text, final=True)
        elif kind == "typed":
            self._caller(event.typed.text, final=True)
        elif kind == "heard":
            self._over(event.heard)

    def command(self, command: conversation_pb2.CallCommand) -> None:
        kind = command.WhichOneof("command")
        if kind == "say":
            self._said(command.say)
        elif kind == "session" and command.session.problem:
            self._page.tell_here({"type": "problem", "message": command.session.problem})
        elif kind == "show":
            show = command.show
            again = {"again": True} if show.again else {}
            self._page.tell({"type": "show", "name": show.name, "json": show.json, **again})

    def moved(self, mouth: Seen) -> None:
        progress = mouth.progress()
        if progress is None or progress == self._bot:
            return
        self._bot = progress
        utterance, text, heard = progress
        self._page.tell(
            {"type": "subtitle", "side": "bot", "utterance": utterance, "text": text, "heard": heard, "final": False}
        )

    def _caller(self, text: str, *, final: bool) -> None:
        self._page.tell({"type": "subtitle", "side": "caller", "text": text, "final": final})

    def _said(self, say: conversation_pb2.Say) -> None:
        if say.utterance <= self._last and say.utterance not in self._texts:
            return
        self._last = max(self._last, say.utterance)
        said = self._texts.get(say.utterance, "") + say.text
        if (say.utterance in self._texts or len(self._texts) < MAX_OPEN) and len(said) <= MAX_TEXT:
            self._texts[say.utterance] = said

    def _over(self, heard: conversation_pb2.Heard) -> None:
        self._bot = None
        text = self._texts.pop(heard.utterance, "")
        over = {"utterance": heard.utterance, "text": text, "heard": heard.chars, "final": True, "cut": heard.cut}
        self._page.tell({"type": "subtitle", "side": "bot", **over})
