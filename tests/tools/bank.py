"""A bank's records and what may be asked of them: Ann is c1, and nobody else's rows may ever come out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
import yaml

from parley.agents.agent import Agent
from parley.tooling import CallContext
from services.tools.builtin.queries import QueryTools
from services.tools.database import Database
from services.tools.records.agent_records import AgentRecords
from services.tools.records.store import RecordStore
from services.tools.tables import records

ANN = "c1"
THEIRS = 10**9
"""Each amount of others is larger."""
NOW = datetime(2026, 3, 31, 15, 0).astimezone()

AGENT = """
company: Test Bank
greeting: Hello.
prompt: You answer for a bank.
queries:
  rows: 50
  tables:
    transactions:
      description: what was booked
      owner: customer
      columns:
        id: {field: key}
        day: {type: date, description: when it was booked}
        amount: {type: money, unit: dollars, field: sum}
        merchant: text
        pending: boolean
        points: integer
        at: time
    customers:
      owner: key
      columns: {name: text, since: date}
    rates:
      collection: savings.rates
      public: true
      columns: {name: text, percent: {type: number, unit: percent}}
"""


def agent(text: str = AGENT, name: str = "bank") -> Agent:
    return Agent.model_validate({**yaml.safe_load(text), "name": name})


ROWS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    ("bank", "transactions"): {
        "t1": {"customer": ANN, "day": "2026-01-05", "sum": "12.10", "merchant": "Mine Bakery", "points": 1},
        "t2": {"customer": ANN, "day": "2026-01-20", "sum": 900, "merchant": "Mine Rent", "pending": False},
        "t3": {
            "customer": ANN,
            "day": "2026-03-02",
            "sum": 20.2,
            "merchant": "Mine Bakery",
            "pending": True,
            "points": "many",
        },
        "t4": {
            "customer": ANN,
            "day": "2026-02-31",
            "sum": "1e999999999",
            "merchant": None,
            "points": "1e999999999",
            "at": "2026-03-02T10:00:00+01:00",
        },
        **{
            f"x{n}": {"customer": customer, "day": "2026-01-09", "sum": THEIRS + n, "merchant": f"Theirs {n}"}
            for n, customer in enumerate(("c2", "C1", "c11", "", None, ["c1"], 1, "c1 ", "%", "c1' OR 1=1 --"))
        },
        "x90": {"day": "2026-01-09", "sum": THEIRS, "merchant": "Theirs, of nobody"},
    },
    ("bank", "customers"): {"c1": {"name": "Ann Mine", "pin": "1234"}, "c2": {"name": "Bob Theirs", "pin": "9999"}},
    ("bank", "savings.rates"): {"a": {"name": "savings", "percent": 1.5}, "b": {"name": "fixed", "percent": 2}},
    ("bank", "secrets"): {"s": {"customer": ANN, "text": "Theirs: no table"}},
    ("other", "transactions"): {"o1": {"customer": ANN, "sum": THEIRS, "merchant": "Theirs: another agent's"}},
}


async def fill(database: Database) -> None:
    rows = [
        {"agent": of, "collection": collection, "key": key, "position": n, "value_pii": orjson.dumps(row).decode()}
        for (of, collection), found in ROWS.items()
        for n, (key, row) in enumerate(found.items())
    ]
    async with database.transaction() as connection:
        await connection.execute(records.insert(), rows)


class Teller:
    """The bank's two tools, called as the service calls them. Each call of one is an intent."""

    def __init__(self, database: Database, call_id: str = "CA1", customer: str = ANN, text: str = AGENT) -> None:
        self.database = database
        self.tools = QueryTools(database).of(agent(text))
        self.call_id = call_id
        self.customer = customer
        self.intent = 0

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        self.intent += 1
        loaded = self.tools[tool]
        given: dict[str, Any] = {**loaded.check(arguments), loaded.context_name: self.context()}
        result: dict[str, Any] = await loaded.function(**given)
        return result

    def context(self) -> CallContext:
        key = f"{self.call_id}/{self.intent}"
        store = AgentRecords(RecordStore(self.database), "bank", key)
        return CallContext(self.call_id, "", "bank", key, "", NOW, store, customer=self.customer)

    async def ask(self, sql: str) -> list[dict[str, Any]]:
        """The first rows."""
        rows: list[dict[str, Any]] = (await self("execute_query", sql=sql))["rows"]
        return rows
