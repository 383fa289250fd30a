"""The watchers that run in backoffice."""

from __future__ import annotations

from parley.watching import Watcher, watcher
from services.backoffice.watchers.audit import Audit

TOGETHER = 200


def shipped(audit: Audit) -> list[Watcher]:
    return [watcher(name="audit", since="all", together=TOGETHER)(audit.happened)]
