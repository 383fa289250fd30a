"""Of what a model writes, what is addressed to the caller: words, and tool calls that can be carried out.

    marks.py      the markers of thoughts, tools, channels and turns, in every dialect; what may still become one
    sieve.py      a round's text, streaming: words out, thoughts dropped, tool calls cut out as blocks
    said.py       the words on their way out, and those that are held
    capture.py    a tool call while it is being written; headers.py, who speaks to whom in harmony
    openings.py   how an answer begins that is none: thoughts without a mark, markers whose brackets were lost
    written.py    a block read as tool calls
    round.py      all that around one round of any engine, and what is remembered of a model
"""

from services.llm.addressed.round import Habits, addressed

__all__ = ["Habits", "addressed"]
