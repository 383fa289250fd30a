"""The one-time login link, made by whoever has the key of the house: `parley run`, `parley user link`; in a container
`python -m services.backoffice.access.link`.
"""

from __future__ import annotations

import sys

from parley.errors import ParleyError
from parley.settings import Settings
from services.backoffice.access.passes import LINK, LINK_S, Passes
from services.backoffice.sealing import key_of


def login_link(settings: Settings, url: str = "") -> str:
    """Logs in as an admin, once, within 15 minutes. `url`: where the console is. Raises Misconfigured."""
    host = settings.backoffice_host if settings.backoffice_host not in ("", "0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    base = url or settings.backoffice_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.backoffice_port}"
    return f"{base.rstrip('/')}/api/session/once?link={Passes(key_of(settings)).issue(LINK, {}, LINK_S)}"


def main() -> None:
    """Print one; a wrong setting is one line on stderr and exit status 2."""
    try:
        sys.stdout.write(f"{login_link(Settings.read())}\n")
    except ParleyError as error:
        sys.stderr.write(f"parley backoffice: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
