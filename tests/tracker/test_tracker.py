"""What is said to be proven is: capabilities, their tests, and the run that they passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.errors import Misconfigured
from parley.security.report import ASKED, given
from parley.settings import Settings
from services.backoffice.tracker import proof
from services.backoffice.tracker.capabilities import capabilities
from services.backoffice.tracker.proof import Outcome, Proof
from services.backoffice.tracker.states import field_of, standings
from tests.proof import Written

ROOT = Path(__file__).parents[2]
ALL = capabilities()


@pytest.mark.parametrize("each", ALL, ids=[each.name for each in ALL])
def test_a_capability_names_tests_and_a_setting_that_there_are(each: object) -> None:
    assert isinstance(each, type(ALL[0]))
    for test in each.tests:
        assert (ROOT / test).is_file(), f"{each.name}: there is no {test}"
    assert not each.setting or field_of(each.setting), f"{each.name}: there is no setting {each.setting}"
    assert not each.without or each.setting


def passed(*files: str) -> Proof:
    return Proof(files={file: Outcome(passed=3) for file in files})


def states(known: Proof, **settings: object) -> dict[str, str]:
    return {each.capability.name: each.state for each in standings(ALL, known, Settings.read(**settings))}


def test_without_a_run_of_the_suite_nothing_is_proven(tmp_path: Path) -> None:
    assert set(states(proof.read(tmp_path / "proof.json")).values()) == {"unproven"}


def test_a_capability_is_proven_when_all_its_tests_passed() -> None:
    (turns,) = [each for each in ALL if each.name == "barge-in"]
    assert states(passed(*turns.tests))["barge-in"] == "proven"
    (found,) = [each for each in standings(ALL, passed(*turns.tests[1:]), Settings.read()) if each.capability is turns]
    assert (found.state, found.missing) == ("unproven", turns.tests[:1])
    assert states(passed(*turns.tests))["echo"] == "unproven"


@pytest.mark.parametrize("outcome", [Outcome(), Outcome(passed=3, failed=1), Outcome(passed=3, left=1)])
def test_a_test_that_failed_or_was_left_out_proves_nothing(outcome: Outcome) -> None:
    assert states(Proof(files={"tests/stt/test_vad.py": outcome}))["vad"] == "unproven"


def test_what_is_turned_off_is_not_shown_as_there() -> None:
    known = passed("tests/stt/test_vad.py", "tests/gateway/test_carriers.py", "tests/gateway/test_call.py")
    assert states(known)["vad"] == "proven"
    assert states(known, vad="off")["vad"] == "off"
    assert states(known)["telephone"] == "off"
    assert states(known, twilio_auth_token="t")["telephone"] == "proven"


def test_what_another_service_is_set_to_it_tells_itself() -> None:
    known = passed("tests/stt/test_vad.py", "tests/gateway/test_carriers.py", "tests/gateway/test_call.py")
    settings = Settings.read(twilio_auth_token="hidden", vad="off", public_url="https://phone.example.com")
    told = given(settings, "gateway") | given(settings, "stt")
    assert told["PARLEY_PUBLIC_URL"] == "https://phone.example.com"
    assert "hidden" not in str(told)
    found = {each.capability.name: each.state for each in standings(ALL, known, Settings.read(), told)}
    assert (found["telephone"], found["vad"]) == ("proven", "off")


def test_what_is_asked_of_a_service_is_a_setting() -> None:
    for service, variables in ASKED.items():
        assert set(given(Settings.read(), service)) == set(variables)


def test_a_file_that_is_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "proof.json").write_text("[]")
    with pytest.raises(Misconfigured, match=r"proof\.json: not what `make test` writes"):
        proof.read(tmp_path / "proof.json")
    (tmp_path / "capabilities.yaml").write_text("- {name: x}")
    with pytest.raises(Misconfigured, match=r"(?s)capabilities\.yaml: .*group"):
        capabilities(tmp_path / "capabilities.yaml")


def report(nodeid: str, when: str = "call", outcome: str = "passed") -> pytest.TestReport:
    return pytest.TestReport(nodeid, ("", 0, ""), {}, outcome, None, when)  # type: ignore[arg-type]


def test_a_whole_run_is_written_down_and_a_part_of_one_is_not(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    for whole, status in ((False, pytest.ExitCode.OK), (True, pytest.ExitCode.INTERRUPTED)):
        Written(whole, file).pytest_sessionfinish(status)
        assert not file.exists()
    written = Written(True, file)
    for each in (
        report("tests/a.py::test_one", "setup"),
        report("tests/a.py::test_one"),
        report("tests/a.py::test_one", "teardown"),
        report("tests/a.py::test_two[x::y]"),
        report("tests/b.py::test_one"),
        report("tests/b.py::test_one", "teardown", "failed"),
        report("tests/c.py::test_one", "setup", "skipped"),
    ):
        written.pytest_runtest_logreport(each)
    written.pytest_sessionfinish(pytest.ExitCode.TESTS_FAILED)
    found = proof.read(file)
    assert found.at
    assert {name: each.proves for name, each in found.files.items()} == {
        "tests/a.py": True,
        "tests/b.py": False,
        "tests/c.py": False,
    }
