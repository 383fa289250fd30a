"""Lines of a model's answer in, as they come; what is to be said of them out, as soon as that is certain. Pure.

Blocks are read here, line by line, since they must be known before they are whole; what stands in a line is read by
`inline`. What a line looks like so far decides when look-ahead is at its bound: nothing that is content is dropped.
"""

from __future__ import annotations

import re

from services.orchestrator import inline

NUMBER_AHEAD = 160
"""Characters behind a number at the start of an answer's list within which its next item must begin."""
ROW_AHEAD = 600
"""Characters of a table's row, of a line of code, or of marks that may become one; longer ones are said in parts."""

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})([^`\n]*)\n")
_FENCE_BEGUN = re.compile(r"[ \t]*(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^`\n]{0,40})$")
_HEADING = re.compile(r"[ \t]*#{1,6}[ \t]+")
_QUOTE = re.compile(r"[ \t]*>(?![\d.,$€£¥₹-])[ \t]?")
_BULLET = re.compile(r"[ \t]*[-*+•◦▪▫●○■‣⁃·–—][ \t]+(?:\[[ xX]\][ \t]+)?")
_NUMBER = re.compile(r"[ \t]*(\d{1,9})([.)])[ \t]+(?=\S)")
_ROW = re.compile(r"[ \t]*\|(.*)\|[ \t]*\n")
_BLANK = re.compile(r"[ \t]*\n")
_UNDECIDED = re.compile(
    r"[ \t]*(?:#{0,6}|>?|[-*+•◦▪▫●○■‣⁃·–—]?[ \t]*|[-+*][ \t]+\[?[ xX]?\]?[ \t]*|\d{1,9}(?:[.)][ \t]*)?|[-*_=:| \t]+)$"
)
_DEFINITION = re.compile(r"[ \t]*\[[^\]\n]{1,40}\]:[ \t]*(?:<[^>\n]*>|(?:https?:|mailto:|tel:|/|#)\S*)[^\n]*\n")
_DEFINITION_BEGUN = re.compile(r"[ \t]*\[[^\]\n]{0,40}(?:\](?::[ \t]*(?:(?:[</#]|\w+:)[^\n]*|[a-z]{0,6}))?)?$")
_NEXT_NUMBER = re.compile(r"\n[ \t]*(\d{1,9})[.)][ \t]+\S")
_BEGUN = _UNDECIDED, _FENCE_BEGUN, _DEFINITION_BEGUN
_HEADING_END = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_BLOCK = re.compile(r"[ \t]*(?:#{1,6}[ \t]|>|[-*+•◦▪●○■‣–—][ \t]|\d{1,9}[.)][ \t]|`{3}|~{3}|\||\n|$)")
_CELL = re.compile(r"(?<!\\)\|")


class Markdown:
    """`push` gives what is certain, `freeze` what it looks like now, `end` all that is left; line breaks between lines.

    Lines that are items, headings or rows end like a sentence, so that the voice does not run them together.
    """

    def __init__(self) -> None:
        self._source = ""
        self._start = True  # at the start of a line
        self._item = False  # of a line that ends like a sentence
        self._heading = False
        self._fence = ""
        self._list = 0, False  # the last item's number, and whether it is left out
        self._last = ""  # said
        self._out: list[str] = []

    def push(self, delta: str) -> str:
        self._source += delta.replace("\r\n", "\n").replace("\r", "\n")
        return self._advance(final=False)

    @property
    def holds(self) -> bool:
        """More than a word waits for what will become of it."""
        return " " in self._source.strip()

    @property
    def word(self) -> str:
        """The beginning of a word, of which more is to come."""
        return "" if self._start or self.holds else self._source

    def look(self) -> str:
        """What is left, as it looks now."""
        return inline.spoken(self._source) if self._source and not self._start else self._source

    def freeze(self) -> str:
        """Nothing more came for a while, or too much: what is opened is taken for what it looks like."""
        return self._advance(final=True)

    def end(self) -> str:
        self._source += "" if self._source.endswith("\n") else "\n"  # the last line is one too
        return self._advance(final=True)

    def _advance(self, final: bool) -> str:
        while self._source and self._step(final):
            pass
        out, self._out = "".join(self._out), []
        return out

    def _step(self, final: bool) -> bool:
        """Take one more piece off the source. False: it must be longer for that."""
        if self._fence:
            return self._code(final)
        return self._begin(final) if self._start else self._text(final)

    # The start of a line

    def _begin(self, final: bool) -> bool:
        source = self._source
        if blank := _BLANK.match(source):
            self._take(blank.end())
            self._say("\n")
        elif fence := _FENCE.match(source):
            self._fence = fence[1]
            self._take(fence.end())
        elif rule := _rule(source):
            self._take(rule)
        elif definition := _DEFINITION.match(source):
            self._take(definition.end())
        elif not final and len(source) <= ROW_AHEAD and any(begun.match(source) for begun in _BEGUN):
            return False
        elif mark := _HEADING.match(source) or _BULLET.match(source):
            self._heading = "#" in mark[0]
            self._take(mark.end())
            self._start, self._item = False, True
        elif quote := _QUOTE.match(source):
            self._take(quote.end())
        elif number := _NUMBER.match(source):
            return self._number(number, final)
        elif source.lstrip().startswith("|") and ("\n" in source or not final):
            return self._row()
        else:
            self._start = False
        return True

    def _number(self, number: re.Match[str], final: bool) -> bool:
        """A number that begins a line: left out only as one of several in a row."""
        value, (last, left_out) = int(number[1]), self._list
        if value not in (last, last + 1) or not last:
            follows = _NEXT_NUMBER.search(self._source)
            if follows is None and not final and len(self._source) <= NUMBER_AHEAD and not _list_over(self._source):
                return False
            left_out = follows is not None and int(follows[1]) in (value, value + 1)
        self._list, self._item = (value, left_out), True
        self._start = False
        if left_out:
            self._take(number.end())
        else:
            self._say(f"{number[1]}{number[2]} ")
            self._take(number.end())
        return True

    def _row(self) -> bool:
        """A table's row is said cell by cell."""
        if "\n" not in self._source:
            if len(self._source) > ROW_AHEAD:
                self._start = False
            return not self._start
        row = _ROW.match(self._source)
        if row is None:
            self._start = False
            return True
        self._take(row.end())
        cells = (inline.spoken(cell.strip()).strip() for cell in _CELL.split(row[1]))
        self._say(", ".join(cell for cell in cells if cell))
        self._item = True
        self._stop()
        self._say("\n")
        return True

    def _code(self, final: bool) -> bool:
        """A line inside a fence, as it stands."""
        line, newline, _ = self._source.partition("\n")
        if not newline and not final and len(line) <= ROW_AHEAD:
            return False
        if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
            self._fence = ""
        else:
            self._say(line + newline)
        self._take(len(line + newline))
        return True

    # The rest of a line

    def _text(self, final: bool) -> bool:
        line, newline, rest = self._source.partition("\n")
        size = len(line + newline)
        if self._heading:
            line = _HEADING_END.sub("", line)
        if newline:
            line = line.removesuffix("\\")
        if newline and not final and not inline.closed(line) and len(line) <= inline.LOOK_AHEAD:
            if not rest.strip(" \t"):
                return False
            if not _BLOCK.match(rest):  # what is opened may be closed in the next line
                self._source = f"{line} {rest}"
                return True
        if newline or final:
            self._say(inline.spoken(line))
            self._take(size)
            if newline:
                self._stop()
                self._say("\n")
                self._start = True
                self._item = self._heading = False
            return True
        if size := inline.settled(line):
            self._say(inline.spoken(line[:size]))
            self._take(size)
        return False

    def _take(self, size: int) -> None:
        self._source = self._source[size:]

    def _say(self, text: str) -> None:
        self._out.append(text)
        self._last = text.rstrip()[-1:] or self._last

    def _stop(self) -> None:
        """End an item like a sentence, if it does not by itself."""
        if self._item and (self._last.isalnum() or self._last in ")%€$£¥₹\"'”’°"):
            self._out.append("。" if "\u3040" <= self._last <= "\u9fff" else ".")
        self._item = False


def _rule(source: str) -> int:
    """Length of a first line that only divides: `---`, `===`, or what a table has under its heads; 0: it says more."""
    line, newline, _ = source.partition("\n")
    marks = set(line) - set(" \t")
    divides = len(marks) == 1 and marks <= set("-*_=") and line.count(min(marks)) >= 3
    return len(line) + 1 if newline and (divides or {"-", "|"} <= marks <= set("-:|")) else 0


def _list_over(source: str) -> bool:
    """Behind the first line of an item comes one that belongs to no list."""
    after = source.partition("\n")[2].lstrip("\n")
    return bool(after) and not after[0].isspace() and not _BLOCK.match(after) and not _UNDECIDED.match(after)
