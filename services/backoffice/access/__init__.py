"""Who may: people (local accounts, or an OIDC provider) and machines (API keys).

    from services.backoffice.access import Who, needs

    @router.get("/api/things")
    async def things(who: Annotated[Who, Depends(needs("viewer"))]) -> ...: ...

`admission` finds out who asks; `logging_in` lets people in; `guard` stands before everything: limits, headers, and that
a change comes from our own page. `routes`: what the console and `docs/api.md` speak with.
"""

from services.backoffice.access.admission import Admission, needs
from services.backoffice.access.roles import Role, Who

__all__ = ["Admission", "Role", "Who", "needs"]
