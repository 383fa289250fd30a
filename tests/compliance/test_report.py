"""The report as people get it."""

from __future__ import annotations

from dataclasses import replace

from services.backoffice.compliance.auditing import audited
from services.backoffice.compliance.pdf import pdf
from services.backoffice.compliance.report import markdown
from services.backoffice.compliance.seen import Declared, Person
from tests.compliance.test_controls import GOOD, NOW_S


def test_what_is_to_be_done_comes_first_with_its_remedy() -> None:
    seen = replace(GOOD, people=(Person("admin", "admin", True),), declared={})
    lines = [line for line in markdown(audited(seen)).splitlines() if line.startswith("| ")][1:]
    assert lines[0].startswith(
        "| Everybody who looks has an account of their own | HIPAA 164.312(a)(2)(i) | fails | high |"
    )
    assert "`parley user add NAME`" in lines[0]
    assert "to be declared" in lines[1]
    assert lines[-1].endswith("|  |"), "what passes needs no remedy"


def test_who_declared_it_and_when_stands_in_it() -> None:
    text = markdown(audited(GOOD))
    assert "declared by ann, 2026-11-30" in text
    assert "Score 100 of 100" in text


def test_peoples_own_words_change_nothing_of_its_form() -> None:
    note = "signed | [here](javascript:x) <b>\n\n# Passed"
    declared = {"hipaa-vendors": Declared("ann|bob", int(NOW_S * 1000), note)}
    text = markdown(audited(replace(GOOD, declared=declared)))
    (line,) = [line for line in text.splitlines() if "ann\\|bob" in line]
    assert "signed \\| \\[here\\](javascript:x) \\<b\\> # Passed" in line


def test_the_pdf_is_one() -> None:
    made = pdf(audited(replace(GOOD, declared={"hipaa-vendors": Declared("ann", int(NOW_S * 1000), "<para> & ☎")})))
    assert made.startswith(b"%PDF-")
    assert b"%%EOF" in made[-10:]
