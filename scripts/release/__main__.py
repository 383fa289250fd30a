"""`make release VERSION=1.2.3`: version, changelog, wheels, a commit and a signed tag; nothing is pushed.

`--draft` only writes what is new, from the commits since the last release, under Unreleased in CHANGELOG.md.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.release import build, changelog
from scripts.release.check import is_signed
from scripts.release.version import WrongVersion, current, following, written

_PROJECT, _CHANGES = build.ROOT / "pyproject.toml", build.ROOT / "CHANGELOG.md"
_NO_KEY = """\
git can not sign a tag here, and an unsigned release is none. Say once which key is yours:
    git config user.signingkey KEY          # gpg --list-secret-keys --keyid-format long
or, with an SSH key:
    git config gpg.format ssh
    git config user.signingkey ~/.ssh/id_ed25519.pub
git says: """


class Refused(Exception):
    """Why no release was made; nothing has changed."""


def git(*words: str) -> str:
    """What git prints. Raises Refused with git's words."""
    done = subprocess.run(["git", *words], cwd=build.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def commits() -> list[changelog.Commit]:
    """Those since the last release, newest first, merges left out."""
    tags = git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname").split()
    told = git("log", "--no-merges", "--format=%x00%s", "--name-only", f"{tags[0]}..HEAD" if tags else "HEAD")
    records = [record.split("\n") for record in told.split("\0") if record.strip()]
    return [changelog.Commit(lines[0], tuple(filter(None, lines[1:]))) for lines in records]


def sign(tag: str, message: str) -> None:
    """A signed tag on HEAD. Raises Refused: it could not be signed, and there is no tag."""
    # Verbatim, for headings begin as git's comments do; the signature must begin a line.
    words = ["git", "tag", "--sign", "--cleanup=verbatim", "--message", f"{message.rstrip()}\n", tag]
    done = subprocess.run(words, cwd=build.ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr.strip())
    # Some versions of git make the tag without a signature when the key is not there, and call that well done.
    if not is_signed(git("cat-file", "tag", tag)):
        git("tag", "--delete", tag)
        raise Refused(done.stderr.strip() or "nothing, and makes no signature")


def can_sign() -> None:
    """Raises Refused with what to do."""
    try:
        sign("signing-tried", "May this be signed?")
    except Refused as error:
        raise Refused(_NO_KEY + str(error)) from None
    git("tag", "--delete", "signing-tried")


def release(version: str) -> None:
    """Raises Refused, WrongVersion, NoSection before anything is changed, CalledProcessError and SystemExit after a
    build that failed; then the two files are as before."""
    project, changes = _PROJECT.read_text(), _CHANGES.read_text()
    following(version, current(project), git("tag", "--list", "v*").split())
    if git("status", "--porcelain", "--untracked-files=no"):
        raise Refused("there are changes that are not committed")
    if git("branch", "--show-current") != "main":
        raise Refused("releases are made of main")
    if not changelog.unreleased(changes):
        raise Refused("CHANGELOG.md has nothing under Unreleased: make release ARGS=--draft, edit it, commit it")
    can_sign()
    after = changelog.released(changes, version, datetime.now(UTC).date().isoformat())
    try:
        _PROJECT.write_text(written(project, version))
        _CHANGES.write_text(after)
        build.main()
        git("commit", "--quiet", "--message", f"Release {version}", "--", str(_PROJECT), str(_CHANGES))
    except BaseException:
        _PROJECT.write_text(project)
        _CHANGES.write_text(changes)
        raise
    message = f"Parley {version}\n\n{changelog.notes(after, version)}"
    try:
        sign(f"v{version}", message)
    except Refused as error:
        raise Refused(f"the commit is made, its tag is not; git reset --hard HEAD^ takes it back. {error}") from None
    print(f"Release {version} is made, and nobody knows of it yet:\n    git push --atomic origin main v{version}")


def draft(path: Path) -> None:
    """Raises Refused, NoSection."""
    text = path.read_text()
    if changelog.unreleased(text):
        raise Refused("CHANGELOG.md has something under Unreleased already")
    if not (lines := changelog.drafted(commits())):
        raise Refused("no commit since the last release changes anything for users")
    path.write_text(changelog.with_draft(text, lines))
    print("CHANGELOG.md: make it what a user wants to know, and commit it")


def main(words: list[str]) -> None:
    try:
        if "--draft" in words:
            draft(_CHANGES)
        else:
            release(words[0] if words else "")
    except (Refused, WrongVersion, changelog.NoSection) as error:
        raise SystemExit(f"release: {error}") from None


if __name__ == "__main__":
    main([word for word in sys.argv[1:] if word])
