"""What new calls have, and which number reaches whom: the rules, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from parley.agents.files import agent_now, load_agent
from parley.errors import BadInput, Misconfigured, NotFound
from parley.published.bundle import MAX_BYTES, Corrupt, contents, digest_of, knowledge_of, opened, packed
from parley.published.numbers import MAX_ENTRIES, Numbers
from parley.published.shelf import KEPT, Shelf
from parley.published.versions import MAX_VERSIONS, Version, Versions, share

YAML = "company: A\ngreeting: Hello.\nprompt: You are A.\n"


def version(n: int) -> Version:
    digest = f"{n:064x}"[::-1]
    return Version(id=digest[:12], digest=digest, size=1, at=n)


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(version(n).id for n in numbers)


def test_a_version_is_published_rolled_back_and_taken_away() -> None:
    one, two = ids(1, 2)
    table = Versions().publish(version(1))
    assert (table.current, table.previous, table.canary) == (one, "", "")
    table = table.publish(version(2))
    assert (table.current, table.previous) == (two, one)
    back = table.rollback()
    assert (back.current, back.previous) == (one, "")
    assert back.rollback(two).current == two
    assert table.rollback(one[:4]).current == one
    gone = table.unpublish()
    assert (gone.current, gone.rollback().current) == ("", two)
    with pytest.raises(BadInput, match="nothing is published"):
        gone.unpublish()
    with pytest.raises(BadInput, match="no version before"):
        Versions().publish(version(1)).rollback()
    with pytest.raises(BadInput, match=f"no version before {one} to go back to; `parley agent versions` lists"):
        back.rollback()
    with pytest.raises(BadInput, match="is what all calls have already"):
        table.rollback(two)
    with pytest.raises(NotFound, match=f"no version 'ffff'; known are {two}, {one}"):
        table.rollback("ffff")


def test_a_rollback_after_a_rollback_goes_further_back_and_never_to_what_was_left() -> None:
    one, two, three, four = ids(1, 2, 3, 4)
    table = Versions().publish(version(1)).publish(version(2)).publish(version(3), 10).promote()
    assert (table.current, table.previous, table.earlier) == (three, two, (one,))
    back = table.rollback()
    assert (back.current, back.previous) == (two, one)
    further = back.rollback()
    assert (further.current, further.previous) == (one, "")
    assert further.publish(version(4)).rollback().current == one
    assert table.rollback(one).previous == "", "what was left on the way back is not before it"
    forward = back.rollback(three)
    assert (forward.current, forward.previous, forward.earlier) == (three, two, (one,))
    ended = table.publish(version(4), 10).rollback()
    assert (ended.current, ended.rollback().current) == (three, two), "the first one ended the canary"
    folder = table.unpublish()
    assert [folder.rollback().current, folder.rollback().rollback().current] == [three, two]
    assert table.publish(version(1)).rollback().rollback().current == two, (
        "published anew, it is no more behind the others"
    )
    old = Versions.model_validate_json(table.model_copy(update={"earlier": ()}).model_dump_json(exclude={"earlier"}))
    assert old.rollback().current == two, "as an older Parley wrote it"


def test_how_far_back_it_goes_is_bounded_by_what_is_kept() -> None:
    table = Versions()
    for n in range(1, 40):
        table = table.publish(version(n))
    steps = 0
    while table.previous:
        table, steps = table.rollback(), steps + 1
        assert table.find(table.current) is not None
    assert steps == MAX_VERSIONS - 1


def test_a_version_that_is_published_again_keeps_its_note_unless_it_gets_one() -> None:
    noted = version(2).model_copy(update={"note": "dearer"})
    table = Versions().publish(version(1)).publish(noted).publish(version(1)).publish(version(2), 50)
    assert [each.note for each in table.versions] == ["dearer", ""]
    assert table.publish(noted.model_copy(update={"note": "cheaper"}), 60).versions[0].note == "cheaper"


def test_a_canary_runs_beside_the_current_one_until_it_is_promoted_or_ends() -> None:
    one, two, three = ids(1, 2, 3)
    with pytest.raises(BadInput, match="nothing is published yet"):
        Versions().publish(version(1), 10)
    table = Versions().publish(version(1)).publish(version(2), 10)
    assert (table.current, table.canary, table.percent) == (one, two, 10)
    assert set(table.live) == {one, two}
    promoted = table.promote()
    assert (promoted.current, promoted.previous, promoted.canary, promoted.percent) == (two, one, "", 0)
    ended = table.rollback()
    assert (ended.current, ended.canary) == (one, "")
    assert table.publish(version(3)).live == (three, one)
    assert table.publish(version(2), 50).percent == 50
    with pytest.raises(BadInput, match="is what all calls have already"):
        table.publish(version(1), 5)
    with pytest.raises(BadInput, match="no canary to promote"):
        ended.promote()


def test_every_process_sends_the_same_share_of_calls_to_the_canary() -> None:
    one, two = ids(1, 2)
    calls = [f"CA{n:032x}" for n in range(1000)]
    shares = {}
    for percent in (0, 10, 50, 100):
        table = Versions().publish(version(1)).publish(version(2), percent)
        read = Versions.model_validate_json(table.model_dump_json())
        had = [table.of_call(call) for call in calls]
        assert had == [read.of_call(call) for call in calls]
        shares[percent] = {call for call, found in zip(calls, had, strict=True) if found == two}
        assert set(had) <= {one, two}
    assert not shares[0]
    assert 70 <= len(shares[10]) <= 130
    assert 450 <= len(shares[50]) <= 550
    assert len(shares[100]) == 1000
    assert shares[10] < shares[50]  # who has the canary keeps it when its share grows
    assert all(0 <= share(call) < 100 for call in calls)


def test_only_so_many_versions_are_kept_and_those_that_live_among_them() -> None:
    table = Versions().publish(version(1)).publish(version(2), 10)
    for n in range(3, 40):
        table = table.publish(version(n), 10)
    assert len(table.versions) == MAX_VERSIONS
    assert table.current == version(1).id
    assert table.find(version(1).id) is not None
    assert table.versions[0].id == table.canary == version(39).id
    again = table.publish(version(38), 10)
    assert [each.id for each in again.versions[:2]] == [version(38).id, version(39).id]


@pytest.mark.parametrize(
    ("called", "agent"),
    [
        ("+15551234567", "exact"),
        ("+1 (555) 123-4567", "exact"),
        ("+15551239999", "longer"),
        ("+15559999999", "shorter"),
        ("+442071234567", ""),
        ("12345", "short"),
        ("", ""),
        ("sip:desk@example.com", "desk"),
        ("SIP:Desk@Example.com:5060;transport=tls", "desk"),
        ("sip:other@example.com", ""),
        ("sip:+15551234567@trunk.example.net", "exact"),
        ("sip:+15551230000@trunk.example.net", "longer"),
        ("client:anybody", ""),
    ],
)
def test_the_called_number_says_who_answers(called: str, agent: str) -> None:
    table = Numbers()
    for pattern, name in (
        ("+1555*", "shorter"),
        ("+1555123*", "longer"),
        ("+1 555 123 4567", "exact"),
        ("12345", "short"),
        ("sip:desk@example.com", "desk"),
    ):
        table = table.set(pattern, name)
    assert table.agent_of(called) == agent
    assert Numbers.model_validate_json(table.model_dump_json()).agent_of(called) == agent


@pytest.mark.parametrize("pattern", ["", "**", "+", "+1*5", "desk", "sip:desk", "sip:@x", "+1234567890123456", "*1555"])
def test_what_is_no_number_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match="neither a number"):
        Numbers().set(pattern, "desk")


def test_a_number_is_set_again_and_removed_and_the_table_is_bounded() -> None:
    table = Numbers().set("+1555*", "a").set("+1 555*", "b")
    assert table.entries == {"+1555*": "b"}
    assert table.remove("+1555*").entries == {}
    with pytest.raises(NotFound, match="is not in the table"):
        table.remove("+1666*")
    full = Numbers(entries={f"{n}": "a" for n in range(10, 10 + MAX_ENTRIES)})
    assert full.set("10", "b").agent_of("10") == "b"
    with pytest.raises(BadInput, match="which is all it may"):
        full.set("+15551234567", "a")


def write(folder: Path, **files: str) -> Path:
    for name, text in {"agent.yaml": YAML, **files}.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_version_is_the_content_of_the_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", **{"tools.py": "", "knowledge__a.md": "A", "data__x.yaml": "{}"})
    files = contents(folder)
    bundle = packed(files)
    (folder / "conversations").mkdir()
    write(folder, conversations__one="never mind", **{".hidden": "x", "__pycache__/x.pyc": "x"})
    (folder / "agent.yaml").touch()
    assert packed(contents(folder)) == bundle
    assert list(files) == ["agent.yaml", "data/x.yaml", "knowledge/a.md", "tools.py"]
    assert opened(bundle.data, bundle.digest) == files
    write(folder, **{"knowledge__b.md": "B"})
    assert packed(contents(folder)).id != bundle.id
    assert knowledge_of(contents(folder), "en") != knowledge_of(files, "en") != knowledge_of(files, "es")


def test_what_cannot_be_a_version_is_told_with_its_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(Misconfigured, match=r"a/link: is no plain file"):
        contents(folder)
    (folder / "link").unlink()
    (folder / "large.bin").write_bytes(bytes(MAX_BYTES))
    with pytest.raises(Misconfigured, match=r"more than 8,388,608 bytes together, with large.bin"):
        contents(folder)


def test_a_bundle_that_was_changed_is_refused(tmp_path: Path) -> None:
    bundle = packed(contents(write(tmp_path / "a")))
    evil = packed({"agent.yaml": YAML.encode(), "../../evil.py": b"x"})
    for data, digest, why in (
        (bundle.data.replace(b"Hello", b"Hallo"), bundle.digest, "not what was published"),
        (bundle.data[:700], bundle.digest, "."),
        (b"", bundle.digest, "no tar"),
        (evil.data, evil.digest, "holds what no version may"),
    ):
        with pytest.raises(Corrupt, match=why):
            opened(data, digest)


def test_versions_are_unpacked_once_read_only_and_only_so_many_are_kept(tmp_path: Path) -> None:
    shelf, made = Shelf(tmp_path / "data"), []
    for n in range(KEPT + 3):
        bundle = packed(contents(write(tmp_path / "a", **{"tools.py": f"# {n}"})))
        made.append(Version(id=bundle.id, digest=bundle.digest, size=1, at=n))
        root = shelf.unpack("a", made[-1], bundle.data)
        assert shelf.unpack("a", made[-1], bundle.data) == root == shelf.find("a", bundle.id)
        assert load_agent(root, "a").version == bundle.id
        assert agent_now(root, "a").company == "A"
        assert (root / "a" / "tools.py").stat().st_mode & 0o222 == 0
    shelf.prune("a", {made[0].id})
    kept = [version.id for version in made if shelf.find("a", version.id)]
    assert len(kept) == KEPT
    assert {made[0].id, made[-1].id} <= set(kept)
    assert shelf.find("../a", made[0].id) is None
    assert shelf.find("a", "../a") is None

    (root / "a" / "tools.py").chmod(0o644)
    (root / "a" / "tools.py").write_text("import os")
    assert shelf.verified("a", made[0].id) is not None
    assert shelf.verified("a", made[-1].id) is None
    assert shelf.find("a", made[-1].id) is None
    assert digest_of({}) != digest_of({"": b""})
