"""Lines of a model's answer in, as they come; what is to be said of them out, as soon as that is certain. Pure.

Lines are read here one by one, since what they are must be known before they are whole; what stands in a line is read
by `inline`, and `unclosed` tells how far that is certain. What a line looks like so far decides when look-ahead is at
its bound: nothing that is content is dropped.
"""

from __future__ import annotations

import re
from enum import IntEnum

from parley.text.punctuation import CLAUSES, CLOSING, ENDS, SPACED_CLAUSES, SPACED_ENDS
from services.orchestrator.phrases import blocks, unclosed
from services.orchestrator.phrases.inline import plain, spoken
from services.orchestrator.phrases.numbering import Numbering
from services.orchestrator.phrases.spans import LOOK_AHEAD

LINE_AHEAD = 600
"""Characters of a line of code, or of marks that may become one; longer ones are said in parts."""
PIECE = unclosed.HIDDEN + 500
"""Characters of a whole line that are read for markup at once."""

_BAR = re.compile(r"(?<!\\)\|")
_WORDS = re.compile(r"[A-Za-z0-9 .,;!?'\"()$%+/@-]+")
"""Words in which nothing can be markup, and whose only borders are spaces: most of what comes."""
_HASHES = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_STOPS = SPACED_ENDS + ENDS + SPACED_CLAUSES + CLAUSES
_FULL_WIDTH = re.compile(r"[\u3001-\u9fff\uff00-\uffef]")


class _Line(IntEnum):
    """The line in which the source begins. From `BOLD` on it ends like a sentence."""

    START = 0
    TEXT = 1
    BOLD = 2
    ITEM = 3
    HEADING = 4
    BARRED = 5
    ROW = 6


class _Take(IntEnum):
    """How much of the source is taken: what is certain; what waits too, but no begun word; that too; all."""

    CERTAIN = 0
    WORDS = 1
    SAYABLE = 2
    ALL = 3


class Markdown:
    """`push` gives what is certain, `freeze` what it looks like now, `end` all that is left; line breaks between lines.

    Lines that are items, headings or rows end like a sentence, so that the voice does not run them together.
    """

    def __init__(self) -> None:
        self.rest = ""  # what is left, as the model wrote it
        self._returned = False  # a carriage return came last
        self._line = _Line.START
        self._blank = True  # the line before is
        self._fence = ""
        self._numbering = Numbering()
        self._gap: str | None = None  # in a row, before its next words; None: it has none yet
        self._tail = ""  # the last characters that were said of the line
        self._out: list[str] = []

    def push(self, delta: str) -> str:
        source = self.rest + delta
        if self._line is _Line.TEXT and len(source) <= unclosed.RUN and _WORDS.fullmatch(source):
            size = source.rfind(" ") + 1
            words, self.rest, self._returned = source[:size], source[size:], False
            self._tail = (self._tail + words).rstrip()[-8:]
            return words
        if delta:
            returned, self._returned = self._returned, delta.endswith("\r")
            delta = delta.removeprefix("\n") if returned else delta
        if "\r" in delta:
            delta = delta.replace("\r\n", "\n").replace("\r", "\n")
        self.rest += delta
        return self._advance(_Take.CERTAIN)

    @property
    def holds(self) -> bool:
        """More than a word waits for what will become of it."""
        source = self.rest
        many = " " in source.strip() or not (source.isascii() or plain(source))
        return many and any(map(str.isalnum, source))

    @property
    def word(self) -> str:
        """The beginning of a word, of which more is to come."""
        return "" if self._line is _Line.START or self.holds else self.rest

    def look(self) -> str:
        """What is left, as it looks now."""
        if self._fence or self._line is _Line.START:
            return self.rest
        line, newline, _ = self.rest.partition("\n")
        size, closers = unclosed.frozen(line, whole=True)
        return spoken(line[:size], closers) + ("." if newline and self._line is _Line.ITEM else "")

    def freeze(self, whole: bool) -> str:
        """Nothing more came for a while, or too slowly: what is opened is taken for what it looks like. `whole`: also
        what may be but the beginning of a word."""
        return self._advance(_Take.SAYABLE if whole else _Take.WORDS)

    def end(self) -> str:
        self.rest += "" if self.rest.endswith("\n") else "\n"  # the last line is one too
        return self._advance(_Take.ALL)

    def _advance(self, take: _Take) -> str:
        while self.rest and self._step(take):
            pass
        out, self._out = "".join(self._out), []
        return out

    def _step(self, take: _Take) -> bool:
        """Take one more piece off the source. False: it must be longer for that."""
        if self._fence:
            return self._code(take)
        return self._begin(take) if self._line is _Line.START else self._text(take)

    # The start of a line

    def _begin(self, take: _Take) -> bool:
        source = self.rest
        if blank := blocks.BLANK.match(source):
            self._drop(blank.end())
            self._say("\n")
            self._blank = True
        elif fence := blocks.FENCE.match(source):
            self._fence = fence[1]
            self._drop(fence.end())
        elif size := blocks.dividing(source):
            self._drop(size)
        elif self._waits(take):
            return False
        elif heading := blocks.HEADING.match(source):
            self._numbering.over()
            self._enter(_Line.HEADING, heading.end())
        elif bullet := blocks.BULLET.match(source):
            self._enter(_Line.ITEM, bullet.end())
        elif aside := blocks.QUOTE.match(source) or blocks.NOTE.match(source):
            self._drop(aside.end())
        elif number := blocks.NUMBER.match(source):
            silent = self._numbering.silent(number, source, final=take is not _Take.CERTAIN)
            if silent is None:
                return False
            self._enter(_Line.ITEM, number.end())
            self._say("" if silent else f"{number[2]}{number[3]} ")
        elif bar := blocks.BAR.match(source):
            self._gap = None
            self._enter(_Line.ROW, bar.end())
        else:
            if self._blank and not source[0].isspace():
                self._numbering.over()
            self._enter(_Line.BOLD if source.startswith(("**", "__")) else _Line.TEXT, 0)
        return True

    def _waits(self, take: _Take) -> bool:
        """Whether it is not known yet what the line is."""
        if take is _Take.ALL or len(self.rest) > LINE_AHEAD:
            return False
        if take is _Take.CERTAIN:
            return blocks.undecided(self.rest)
        number = blocks.NUMBER_ALONE.match(self.rest)
        if take is _Take.SAYABLE and number and not self._numbering.expects(int(number[1])):
            return False
        return blocks.wordless(self.rest)

    def _enter(self, line: _Line, size: int) -> None:
        """What follows these characters is the text of such a line."""
        self._drop(size)
        self._line, self._blank, self._tail = line, False, ""

    def _code(self, take: _Take) -> bool:
        """A line inside a fence, as it stands."""
        line, newline, _ = self.rest.partition("\n")
        fence = line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0])
        if not newline and (fence or take is _Take.CERTAIN) and len(line) <= LINE_AHEAD:
            return False
        if fence:
            self._fence = ""
        else:
            self._say(line + newline)
        self._drop(len(line + newline))
        return True

    # The rest of a line

    def _text(self, take: _Take) -> bool:
        line, newline, rest = self.rest.partition("\n")
        bar = _BAR.search(line) if self._line is _Line.ROW else None
        if bar is not None:
            line, newline = line[: bar.start()], ""
        elif newline and take is _Take.CERTAIN and (goes_on := self._goes_on(line, rest)) is not False:
            if goes_on:
                self.rest = f"{line.rstrip()} {rest.lstrip()}"
            return bool(goes_on)
        whole = bar is not None or newline != ""
        if whole and len(line) <= PIECE:
            size, closers = len(line), ""
        else:
            size, closers = unclosed.frozen(line, take is _Take.SAYABLE) if take else unclosed.settled(line)
        self._say(spoken(self._trimmed(line) if whole and size == len(line) else line[:size], closers))
        self._drop(size)
        if not whole or size < len(line):
            return size > 0 and len(self.rest) > LOOK_AHEAD
        self._drop(1)
        if bar is None:
            self._finish(line)
        elif self._gap is not None:
            self._gap = ", "
        return True

    def _goes_on(self, line: str, rest: str) -> bool | None:
        """Whether a line's text goes on in the next one: it closes what is open, or stands under the same bullet.
        None: that must be seen."""
        if self._line in (_Line.HEADING, _Line.ROW):
            return False
        opened = len(line) <= LOOK_AHEAD and not unclosed.closed(line)
        if not opened:
            if self._line is not _Line.ITEM or line.rstrip().rstrip(CLOSING)[-1:] in _STOPS:
                return False
            if rest and not rest[0].isspace():
                return False
        return None if blocks.undecided(rest) else not blocks.begins(rest)

    def _trimmed(self, line: str) -> str:
        """Without what ends a line for the eye."""
        if self._line is _Line.HEADING:
            return _HASHES.sub("", line)
        breaks = (len(line) - len(line.rstrip("\\"))) % 2
        return line[:-1] if breaks else line

    def _finish(self, line: str) -> None:
        """The end of a line, of which this is the rest, is said."""
        if self._line is _Line.BOLD and not line.rstrip().endswith(("**", "__")):
            self._line = _Line.TEXT
        said = self._tail.rstrip(CLOSING)
        if self._line >= _Line.BOLD and said and said[-1] not in _STOPS:
            self._out.append("。" if _FULL_WIDTH.search(self._tail) else ".")
        self._line = _Line.START
        self._say("\n")

    def _drop(self, size: int) -> None:
        self.rest = self.rest[size:]

    def _say(self, text: str) -> None:
        if self._line is _Line.ROW:
            if not text.strip():
                return
            self._gap, text = (" " if text[-1].isspace() else ""), (self._gap or "") + text.strip()
        elif self._line is _Line.TEXT and (" | " in text or text.startswith("| ")):
            self._line = _Line.BARRED
        self._out.append(text)
        self._tail = (self._tail + text).rstrip()[-8:]
