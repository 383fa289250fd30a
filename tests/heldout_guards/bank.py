# ruff: noqa: E501
"""A bank of two customers and another bank beside it, in a folder. What is anybody else's says so: HIDDEN."""

from __future__ import annotations

from pathlib import Path

HIDDEN = "zq7hidden"

AGENT = """
company: Quay Bank
greeting: Quay Bank, how can I help?
prompt: You answer the phone of a bank.
knowledge: {retrieve: never}
identity:
  collection: customers
  find_by: [caller, number]
  factors:
    number: {kind: digits, field: number, ask: What is your customer number?}
    born: {kind: date, field: born, ask: What is your date of birth?}
    name: {kind: name, field: name, ask: What is your full name?}
    code: {kind: postcode, field: code, ask: What is your zip code?}
    secret: {kind: word, field: secret, ask: What is your secret word?}
    phone_number: {kind: phone, field: phone, ask: What is your phone number?}
  tries: {call: 3, caller: 6, record: 20}
queries:
  timeout_ms: 1000
  rows: 100
  tables:
    payments:
      description: what was paid
      owner: customer
      columns:
        id: {field: key}
        day: date
        amount: {type: money, unit: dollars}
        shop: text
        paid: boolean
    customers:
      owner: key
      columns: {name: text}
    rates:
      public: true
      columns: {name: text, percent: {type: number, unit: percent}}
"""

TOOLS = '''
"""Nothing but what every agent has."""

from parley.tooling import CallContext, Result, tool


@tool
def hours() -> Result:
    """When the bank is open."""
    return Result({"summary": "From nine to five."})


@tool(level=2)
def balance(context: CallContext) -> Result:
    """The caller's balance."""
    return Result({"who": context.customer, "summary": "Ten dollars."})
'''

CUSTOMERS = f"""
c1: {{name: Anna Brown, born: 1980-03-05, number: "40271", code: "94103", secret: Bluebell, phone: "+12125550101", pin: "{HIDDEN}1"}}
c2: {{name: "Bob {HIDDEN} Green", born: 1975-12-09, number: "00272", code: "10001", secret: Foxglove, phone: "+12125550102"}}
c3: {{name: "Mary-Jane O'Neill", born: 2001-11-30, number: "77733", code: "02134", secret: Daisy, phone: "+12125550103"}}
c4: {{name: José García Müller, born: 1966-02-28, number: "90009", code: "60614", secret: Rose, phone: "+12125550104"}}
"""

SHOPS = ("Bakery", "Bookshop", "Grocer")


def payments() -> str:
    own = [
        f'p{n}: {{customer: c1, day: 2026-0{1 + n % 3}-1{n % 10}, amount: "{n}.50", shop: {SHOPS[n % 3]}, paid: true, note: {HIDDEN}}}'
        for n in range(60)
    ]
    others = [
        f'q{n}: {{customer: {owner}, day: 2026-01-11, amount: "99{n}000.25", shop: {HIDDEN} {n}, paid: true}}'
        for n, owner in enumerate(("c2", '"c1 "', "C1", "c11", '"%"', "null", "[c1]", '"c_"', '"c1\' OR 1=1 --"', '""'))
    ]
    return "\n".join([*own, *others])


def bank(agents: Path) -> Path:
    """Two agents: `bank`, and `rival`, whose customer has the same key."""
    for name in ("bank", "rival"):
        data = agents / name / "data"
        data.mkdir(parents=True)
        (agents / name / "agent.yaml").write_text(AGENT)
        (agents / name / "tools.py").write_text(TOOLS)
    data = agents / "bank/data"
    (data / "payments.yaml").write_text(payments())
    (data / "customers.yaml").write_text(CUSTOMERS)
    (data / "rates.yaml").write_text("a: {name: savings, percent: 1.5}\nb: {name: fixed, percent: 2}")
    (data / "vault.yaml").write_text(f"v: {{customer: c1, text: {HIDDEN} vault}}")
    rival = agents / "rival/data"
    (rival / "payments.yaml").write_text(
        f'r1: {{customer: c1, day: 2026-01-01, amount: "990000", shop: {HIDDEN} rival}}'
    )
    (rival / "customers.yaml").write_text(
        f"c1: {{name: {HIDDEN} rival, born: 1980-03-05, number: '40271', code: '94103', secret: Oak, phone: '+12125550199'}}"
    )
    (rival / "rates.yaml").write_text(f"x: {{name: {HIDDEN}, percent: 99}}")
    return agents
