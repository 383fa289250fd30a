"""`python -m parley.embedding DIR` builds the model in DIR beforehand, so that no service has to at its start."""

from __future__ import annotations

import sys
from pathlib import Path

from parley.embedding import build

if len(sys.argv) != 2:
    sys.exit("usage: python -m parley.embedding DATA_DIR")
sys.stdout.write(f"{build(Path(sys.argv[1]))}\n")
