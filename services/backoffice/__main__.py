"""The operators' side: `python -m services.backoffice`."""

from __future__ import annotations

import sys

import uvloop

from parley.errors import ParleyError
from parley.settings import Settings
from services.backoffice.server import serve


def main() -> None:
    """Serve; a wrong setting or a taken port is one line on stderr and exit status 2."""
    try:
        uvloop.run(serve(Settings.read()))
    except ParleyError as error:
        sys.stderr.write(f"parley backoffice: {error}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
