"""The text of one round, streaming: what is addressed to the caller leaves at once, the rest never does. Pure.

Text waits only while it may still become a marker, or while it is a call. What was begun and never ended stays what it
was: a thought without an end is a thought. Longer than other files, for it is one machine: its modes take from the
buffer, and say whether they got on.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.llm.addressed.capture import Balance, Block, Capture
from services.llm.addressed.headers import MAX_HEADER, OURS, behind_channel, channel_of, goes_on, header_of, role_of
from services.llm.addressed.marks import RESULTS, TRIGGER, WAIT, Kind, Mark, mark_at
from services.llm.addressed.openings import Opening, opening_of
from services.llm.addressed.said import Item, Said

_PIECE = 1024
_MAX_SPACE = 64
_MAX_NESTED = 8

_HARMONY, _TURN = "harmony", "turn"  # names of thoughts that only such a mark ends
_IN_THOUGHT = re.compile(r"[<\[◁]")
_STRIPPED = re.compile(
    r"(?:assistant)?commentary\s*to=(?P<tool>[\w.:/-]+?)\s*(?:json|code)?\s*(?=[{\[])|(?P<said>assistantfinal)"
)
_STRIPPED_ONCE = re.compile(r"\w+\s*(?:to=[\w.:/-]+)?\s*\w*\s*<\|")  # only the first bracket was lost
_REACT = re.compile(
    r"\n\s*(?P<said>(?:Final )?(?:Answer|Response)\s*:\s*)"
    r"|\n\s*Action\s*:\s*(?P<tool>[\w.-]+)\s*\n\s*Action Input\s*:\s*(?=[{\[])"
)
_FENCE = re.compile(r"\s*```\s*")
_FENCE_BEGUN = re.compile(r"\s*`{0,2}\Z")


class Sieve:
    """`feed` gives what a piece of text lets go of, in order; `end` what was left.

    `tools`: names of the request's tools. `reads`: whether a block reads as calls of them. `holds`: this model is known
    for thoughts without a beginning; `wary`: nothing is known of it.
    """

    def __init__(
        self, tools: frozenset[str], reads: Callable[[Block], bool], *, holds: bool = False, wary: bool = True
    ) -> None:
        self.idle = False
        """Nothing is held: text without a character of TRIGGER is words, and need not be fed."""
        self._tools, self._reads, self._wary = tools, reads, wary
        self._said = Said(holds)
        self._buffer = ""
        self._thoughts: list[str] = []
        self._maybe: list[Block] = []  # calls within a thought: they count when it never ends
        self._capture = Capture()
        self._in_code = False  # behind a backtick that is not closed yet
        self._quotes = False  # a marker stands in that code: it is spoken of
        self._ends = _STRIPPED
        self._mode: Callable[[], bool] = self._opening

    @property
    def lone(self) -> bool:
        """A thought without a beginning came."""
        return self._said.lone

    @property
    def thinks(self) -> bool:
        """What came last is a thought, or may be one."""
        return self._said.held or self._mode in (self._thinking, self._reasoning)

    def passed(self, text: str) -> None:
        """Words that were said while it was idle, without having been fed: the last of them."""
        self._said.passed(text)

    def feed(self, text: str) -> list[Item]:
        for begin in range(0, len(text), _PIECE):  # in a long buffer each step would cost its length
            self._buffer += text[begin : begin + _PIECE]
            while self._buffer and self._mode():
                pass
        waits = self._buffer or self._said.gap or self._said.held or self._in_code
        self.idle = not waits and self._mode == self._speaking
        return self._said.given()

    def end(self) -> list[Item]:
        """The stream is over. What was undecided is words, unless it was begun as something else."""
        if self._mode == self._capturing:
            self._close()
        if self._mode == self._opening and "_" in self._buffer and self._buffer.strip() in self._tools:
            self._said.block(Block("", self._buffer.strip()))  # all that it says is a tool's name
            self._buffer = ""
        if self._mode == self._header and channel_of(self._buffer) == "final":
            self._said.words(behind_channel(self._buffer))
        elif self._mode in (self._opening, self._speaking, self._after_fence) and self._buffer[:2] not in ("<|", "<｜"):
            self._said.words(self._buffer)
        elif self._mode == self._thinking:
            for block in filter(self._reads, self._maybe):
                self._said.block(block)
        self._buffer = ""
        self._said.release()
        return self._said.given()

    # Modes

    def _opening(self) -> bool:
        text = self._buffer.lstrip()
        if not text and len(self._buffer) <= _MAX_SPACE:
            return False
        opening = opening_of(text, self._tools, self._wary)
        if opening.kind == "wait":
            return False
        self._mode = self._speaking
        self._open(opening, text)
        return True

    def _open(self, opening: Opening, text: str) -> None:
        match opening.kind:
            case "thought":
                self._said.suspect()
            case "stripped" if _STRIPPED_ONCE.match(text):
                self._buffer, self._mode = f"<|start|>assistant<|channel|>{text[opening.length:]}", self._header
            case "stripped" if text.startswith("final", opening.length):
                self._buffer = text[opening.length + len("final") :]
            case "stripped":
                self._buffer, self._ends, self._mode = text, _STRIPPED, self._reasoning
            case "react":
                self._buffer, self._ends, self._mode = f"\n{text}", _REACT, self._reasoning
            case "code":
                self._buffer = text[opening.length :]
                self._begin(Mark(Kind.CODE, "", 0))

    def _speaking(self) -> bool:
        found = TRIGGER.search(self._buffer)
        words = self._taken(len(self._buffer) if found is None else found.start())
        self._said.words(words)
        if "\n" in words:
            self._in_code = self._quotes = False
        if found is None:
            return False
        mark = mark_at(self._buffer, self._tools)
        if mark is WAIT:
            return False
        if isinstance(mark, Mark) and self._spoken_of(mark):
            self._said.words(self._taken(mark.length))
        elif isinstance(mark, Mark):
            self._at(mark)
        else:
            self._pass()
        return True

    def _pass(self) -> None:
        """One character that is no mark."""
        if self._buffer[0] == "`":
            self._in_code, self._quotes = not self._in_code, False
        self._said.words(self._taken(1))

    def _spoken_of(self, mark: Mark) -> bool:
        """Whether a mark is content: `<think>` as code, right behind the backtick that opens it, and what ends it."""
        if self._in_code and self._said.last == "`" and mark.kind in (Kind.THOUGHT, Kind.PLAIN):
            self._quotes = True
        return self._quotes and mark.kind in (Kind.THOUGHT, Kind.PLAIN)

    def _thinking(self) -> bool:
        found = _IN_THOUGHT.search(self._buffer)
        self._taken(len(self._buffer) if found is None else found.start())
        if found is None:
            return False
        mark = mark_at(self._buffer, frozenset())
        if mark is WAIT:
            return False
        if isinstance(mark, Mark):
            self._at_in_thought(mark)
        else:
            self._taken(1)
        return True

    def _capturing(self) -> bool:
        """A tool call, to its end."""
        capture = self._capture
        if capture.balance is not None:
            end = capture.balance.feed(self._buffer)
            capture.add(self._taken(len(self._buffer) if end < 0 else end))
            if end >= 0:
                self._close()
            return end >= 0
        found = TRIGGER.search(self._buffer)
        capture.add(self._taken(len(self._buffer) if found is None else found.start()))
        if found is None:
            return False
        if capture.fence and self._buffer[0] == "`" and self._buffer[:3] == "```"[: len(self._buffer)]:
            if len(self._buffer) >= 3:
                self._close()
            return len(self._buffer) >= 3
        tools = self._tools if self._buffer[0] == "<" else frozenset()
        mark = mark_at(self._buffer, tools) if self._buffer[0] in "<[" else None
        if mark is WAIT:
            return False
        if isinstance(mark, Mark) and capture.ended_by(mark, bool(self._thoughts)):
            if mark.kind is Kind.TOOL:
                capture.add(self._taken(mark.length))
            self._close()
        else:
            capture.add(self._taken(mark.length if isinstance(mark, Mark) else 1))
        return True

    def _header(self) -> bool:
        """Harmony: who speaks to whom, until the message begins."""
        header = header_of(self._buffer)
        if header is None:
            if len(self._buffer) > MAX_HEADER:
                self._think(_HARMONY)
            return len(self._buffer) > MAX_HEADER
        self._taken(header.length)
        self._thoughts.clear()
        if header.to:
            self._capture, self._mode = Capture(name=header.to, token=True), self._capturing
        elif header.spoken:
            self._mode = self._speaking
        else:
            self._think(_HARMONY)
        return True

    def _after(self) -> bool:
        """A harmony message has ended."""
        text = self._buffer.lstrip()
        again = goes_on(text)
        if again is None:
            return False
        self._mode = self._speaking
        if again:
            self._buffer, self._mode = f"<|start|>{text}", self._header
        return True

    def _role(self) -> bool:
        """A turn begins: whose it is stands in the next word."""
        role = role_of(self._buffer)
        if role is None:
            return False
        self._taken(role[1])
        self._turn_of(role[0] or OURS[0])
        return True

    def _reasoning(self) -> bool:
        """A thought that ends with words of its own (`_ends`), not with a marker."""
        found = self._ends.search(self._buffer)
        if found is None:
            self._taken(max(0, len(self._buffer) - MAX_HEADER))
            return False
        self._taken(found.end())
        self._said.gap = True
        if found["tool"]:
            self._capture, self._mode = Capture(name=found["tool"], balance=Balance()), self._capturing
        else:
            self._mode = self._speaking
        return True

    def _after_fence(self) -> bool:
        """The fence behind a call goes with it."""
        if _FENCE_BEGUN.match(self._buffer):
            return False
        if found := _FENCE.match(self._buffer):
            self._taken(found.end())
        self._mode = self._speaking
        return True

    # Marks

    def _at(self, mark: Mark) -> None:
        """A mark between words."""
        match mark.kind:
            case Kind.JSON | Kind.CODE | Kind.FENCE:
                self._begin(mark)
            case Kind.TOOL if not mark.closing:
                self._said.release()
                self._begin(mark)
            case Kind.CHANNEL:
                self._said.release()
                self._at_channel(mark)
            case Kind.ROLE:
                self._taken(mark.length)
                self._turn_of(mark.name)
            case Kind.THOUGHT if mark.closing:
                self._taken(mark.length)
                if mark.name not in RESULTS:
                    self._said.drop()
            case Kind.THOUGHT:
                self._taken(mark.length)
                self._said.release()
                self._think(mark.name)
            case _:
                self._taken(mark.length)
        self._said.gap = True

    def _at_in_thought(self, mark: Mark) -> None:
        top = self._thoughts[-1]
        if mark.kind is Kind.CHANNEL and top != _TURN:
            self._at_channel(mark)
        elif mark.kind is Kind.ROLE and top != _HARMONY:
            self._taken(mark.length)
            self._turn_of(mark.name)
        elif top in (_HARMONY, _TURN):
            self._taken(mark.length)
        elif mark.kind is Kind.TOOL and not mark.closing:
            self._begin(mark)
        else:
            self._taken(mark.length)
            if mark.kind is Kind.THOUGHT:
                self._nest(mark)

    def _nest(self, mark: Mark) -> None:
        """Thoughts of different names stand in each other; one is ended by its own name, or by one that means it."""
        if not mark.closing:
            if mark.name not in self._thoughts and len(self._thoughts) < _MAX_NESTED:
                self._thoughts.append(mark.name)
            return
        same = [n for n, name in enumerate(self._thoughts) if name == mark.name]
        alike = [n for n, name in enumerate(self._thoughts) if _thinks(name) and _thinks(mark.name)]
        if same or alike:
            del self._thoughts[(same or alike)[0] :]
        if not self._thoughts:
            self._maybe.clear()
            self._mode = self._speaking

    def _think(self, name: str) -> None:
        self._thoughts = [name]
        self._said.gap = True
        self._mode = self._thinking

    def _at_channel(self, mark: Mark) -> None:
        self._said.gap = True
        self._thoughts.clear()
        if mark.name in ("start", "channel"):
            self._mode = self._header
            return
        self._taken(mark.length)
        self._mode = self._speaking if mark.name in ("constrain", "message") else self._after

    def _turn_of(self, role: str) -> None:
        """What is written for somebody else's turn is addressed to nobody."""
        self._said.gap = True
        if not role:
            self._mode = self._role
        elif role in OURS:
            self._thoughts.clear()
            self._mode = self._speaking
        else:
            self._think(_TURN)

    # Calls

    def _begin(self, mark: Mark) -> None:
        opening, fence = self._taken(mark.length), ""
        if mark.kind is Kind.FENCE:
            opening, fence = "", opening
            inner = mark_at(self._buffer, self._tools) if not mark.name else None
            if isinstance(inner, Mark):
                mark, opening = inner, self._taken(inner.length)
        match mark.kind:
            case Kind.FENCE:
                self._capture = Capture(fence=fence)
            case Kind.TOOL if mark.name == "mistral":
                self._capture = Capture(opening, balance=Balance(), fence=fence)
            case Kind.TOOL:
                self._capture = Capture(opening, closes=mark.name, token=mark.name == "token", fence=fence)
            case _:
                single = mark.kind is Kind.CODE or "'" in self._buffer.partition('"')[0]
                balance = Balance("{[(", "\"'" if single else '"')
                self._capture = Capture(balance=balance, sure=False, fence=fence)
        self._mode = self._capturing

    def _close(self) -> None:
        """The block is whole, or never will be."""
        block = self._capture.block()
        self._said.gap = True
        if self._thoughts:
            self._maybe = [*self._maybe[-_MAX_NESTED:], block]
            self._mode = self._thinking
            return
        self._mode = self._after_fence if block.fence else self._speaking
        if block.sure or self._reads(block):
            self._said.block(block)
            return
        self._said.gap = False
        self._mode = self._speaking
        self._said.words(block.fence + block.text)

    def _taken(self, length: int) -> str:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken


def _thinks(name: str) -> bool:
    return "think" in name or "thought" in name or "reason" in name
