"""Answers and pauses of models, written by somebody who saw no line of the project: what must be said of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.orchestrator.phrases.speakable import Phraser

HELDOUT = Path(__file__).parents[1] / "heldout"
ANSWERS: list[dict[str, Any]] = yaml.load((HELDOUT / "answers.yaml").read_text(), yaml.CSafeLoader)
SENTENCES: list[dict[str, Any]] = yaml.load((HELDOUT / "sentences.yaml").read_text(), yaml.CSafeLoader)


def folded(text: str) -> str:
    return " ".join(text.split())


def said(parts: Iterable[str]) -> str:
    phraser = Phraser()
    phrases = [phrase for part in parts for phrase in phraser.push(part)]
    return folded("".join(phrases) + phraser.end())


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row["id"])
def test_what_is_content_is_said_and_what_is_markup_is_not(row: dict[str, Any]) -> None:
    text = row["text"]
    for parts in ([text], re.findall(r" ?\w+|[^\w]", text), list(text)):
        heard, at = said(parts), 0
        for piece in map(folded, row["spoken"]):
            found = heard.find(piece, at)
            assert found >= 0, f"{piece!r} is missing in {heard!r}"
            at = found + len(piece)
        assert not [piece for piece in row.get("never", ()) if piece in heard], heard


@pytest.mark.parametrize("row", SENTENCES, ids=lambda row: row["id"])
def test_a_sentence_is_said_when_the_model_pauses_behind_it_and_no_piece_is_cut(row: dict[str, Any]) -> None:
    tokens, pause = row["text"], row["pause_after"] + 1
    phraser = Phraser()
    phrases = [phrase for token in tokens[:pause] for phrase in phraser.push(token)]
    phrases += phraser.pause()
    assert plain(row["spoken_before_pause"]) in plain("".join(phrases))
    phrases += [phrase for token in tokens[pause:] for phrase in phraser.push(token)]
    phrases.append(phraser.end())
    whole, cuts, at = "".join(phrases), [], 0
    for phrase in phrases[:-1]:
        at += len(phrase)
        cuts.append(at)
    for piece in row.get("not_before") or ():
        begin = whole.index(piece)
        assert not [cut for cut in cuts if begin < cut < begin + len(piece)], phrases


def plain(text: str) -> str:
    """Without marks of emphasis, which the rows hold as they were written."""
    return re.sub(r"[*_`]", "", folded(text))
