"""What happened and who did what, for good: append-only, each entry tied to the one before.

    await audit.note("ann", "config.changed", "PARLEY_STT", {"from": "a", "to": "b"})
    await audit.forget("+15550100001")      # what was said can no longer be read; the chain still verifies

`chain`: how entries are tied. `keys`: whose key opens which content. `trail`: the log itself. `verifying`: is it whole?
"""

from services.backoffice.watchers.audit.trail import Audit
from services.backoffice.watchers.audit.verifying import Verdict

__all__ = ["Audit", "Verdict"]
