"""`make release-check TAG=v1.2.3`: may a release be made of this tag? Writes what the release says to build/notes.md.

The tag must be annotated and signed, on a commit of main, name the version of pyproject.toml, and be in the changelog.
Whose signature it is can be told here only with the signer's public key; with `.github/allowed_signers` it is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.release.changelog import NoSection, notes
from scripts.release.version import current

ROOT = Path(__file__).resolve().parents[2]
_SIGNATURES = ("\n-----BEGIN PGP SIGNATURE-----", "\n-----BEGIN SSH SIGNATURE-----")


def is_signed(tag: str) -> bool:
    """Whether a tag object, as `git cat-file tag` prints it, has a signature; whose is not asked."""
    return any(mark in tag for mark in _SIGNATURES)


def problems(root: Path, tag: str, main: str = "origin/main") -> list[str]:
    """One line each; empty when all is well. root: a clone with the tag and `main`."""
    if _git(root, "cat-file", "-t", f"refs/tags/{tag}").stdout.strip() != "tag":
        return [f"{tag} is no annotated tag"]
    found = []
    if not is_signed(_git(root, "cat-file", "tag", tag).stdout):
        found.append(f"{tag} is not signed")
    signers = root / ".github/allowed_signers"
    if signers.exists():
        seen = _git(root, "-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-tag", tag)
        if seen.returncode:
            found.append(f"{tag} is signed by nobody of .github/allowed_signers")
    if _git(root, "merge-base", "--is-ancestor", f"{tag}^{{commit}}", main).returncode:
        found.append(f"{tag} is on no commit of {main}")
    version = current(_git(root, "show", f"{tag}:pyproject.toml").stdout)
    if tag != f"v{version}":
        found.append(f"{tag} is on version {version}")
    try:
        notes(_git(root, "show", f"{tag}:CHANGELOG.md").stdout, version)
    except NoSection as error:
        found.append(str(error))
    return found


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)


def main(tag: str) -> None:
    if not tag:
        raise SystemExit("release-check: TAG=v1.2.3 is wanted")
    # A checkout of a tag may hold the commit in its place: the tag itself is fetched.
    if _git(ROOT, "remote", "get-url", "origin").returncode == 0:
        _git(ROOT, "fetch", "--quiet", "--force", "origin", f"+refs/tags/{tag}:refs/tags/{tag}")
    if found := problems(ROOT, tag):
        raise SystemExit("\n".join(f"release-check: {line}" for line in found))
    (ROOT / "build").mkdir(exist_ok=True)
    text = notes((ROOT / "CHANGELOG.md").read_text(), tag.removeprefix("v"))
    (ROOT / "build/notes.md").write_text(text + "\n")
    print(f"{tag}: signed, on main, in the changelog")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
