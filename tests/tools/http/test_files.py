"""`tools.yaml` as it is read: what is wrong is told with file, field, remedy and line, and an edit takes effect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from parley.agents.files import load_agent
from parley.errors import Misconfigured
from services.tools.discovery import Toolboxes
from tests.tools.http.conftest import YAML, write
from tests.tools.http.shop import Shop
from tests.tools.service import ROOT

GOOD = """
tools:
  look:
    description: Look.
    method: GET
    url: https://shop.example.com/things/{id}
    parameters:
      id: {description: Which.}
"""
ID = "      id: {description: Which.}\n"

WRONG: list[tuple[str, str, str]] = [
    ("description: Look.", "desciption: Look.", "tools.look.desciption: there is no such field"),
    ("    description: Look.\n", "", "description: missing; it tells the model when to use the tool (line"),
    ("    method: GET\n", "", "method: missing; GET, POST"),
    ("GET", "FETCH", "tools.look.method: Input should be 'GET'"),
    ("https://", "ftp://", "tools.look.url: must begin with http:// or https:// and a host (line 6)"),
    ("shop.example.com", "{id}.example.com", "tools.look.url: the host is fixed"),
    ("shop.example.com", "user:pw@shop.example.com", "tools.look.url: holds a user or password; use auth"),
    ("things/", "things/../", "tools.look.url: has . or .. in its path"),
    ("{id}\n", "{ids}\n", "tools.look.url: {ids} is no parameter; add it to parameters (line 6)"),
    ("Which.}", "Which., where: query}", "tools.look.parameters.id.where: {id} stands in the path of the url"),
    ("Which.}", "Which., required: false}", "parameters.id.required: what stands in the path is required (line 8)"),
    ("Which.}", "Which., from: caller, value: 1}", "value: write either from"),
    ("Which.}", "Which., from: password}", "parameters.id.from: String should match pattern"),
    (ID, f"{ID}      some: {{where: body}}\n", "parameters.some.where: a GET has no body; use query (line 9)"),
    (ID, f"{ID}      some: {{name: id}}\n", "parameters.some: another parameter is called id too"),
    (ID, f"{ID}      Cookie: {{where: header}}\n", "parameters.Cookie.where: headers: Cookie is not set here"),
    (ID, f"{ID}    headers: {{Authorization: x}}\n", "headers: Authorization is not set here; use auth for secrets"),
    (ID, f"{ID}    auth: {{secret: my key}}\n", "tools.look.auth.secret: String should match pattern"),
    (ID, f"{ID}    auth: {{type: header, secret: KEY}}\n", "tools.look.auth: name: missing; say which header"),
    (ID, f"{ID}    result: 'a['\n", "tools.look.result: not valid JMESPath"),
    (ID, f"{ID}    result: '{{a: b}}'\n    summary: It is {{c}}.\n", "{c} is not in result; there are a, id"),
    (ID, f"{ID}    confirm: Shall I {{do}}?\n", "tools.look.confirm: {do} is no argument; there are id"),
    (ID, f"{ID}    effects: true\n    retries: 2\n", "retries: a GET is not sent twice, unless you say"),
    (ID, f"{ID}    body: {{a: 1}}\n", "tools.look.body: a GET has no body"),
    (ID, f"{ID}    limit_s: 0\n", "tools.look.limit_s: Input should be greater than 0"),
    ("GET", "POST\n    body: {a: '{b}'}", "tools.look.body: {b} is no parameter; add it to parameters"),
    ("tools:", "tools: [", "not valid YAML"),
    (GOOD, "- a\n", "expected a mapping at the top"),
]  # fmt: skip


def test_what_is_wrong_is_told_with_field_remedy_and_line(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert list(Toolboxes(tmp_path).tools("a")) == ["look"]
    for old, new, words in WRONG:
        assert GOOD.replace(old, new) != GOOD, words
        write(tmp_path, GOOD.replace(old, new))
        with pytest.raises(Misconfigured) as error:
            Toolboxes(tmp_path).tools("a")
        assert words in str(error.value)
        assert str(error.value).startswith(f"{tmp_path}/a/tools.yaml: ")


def test_two_tools_of_one_name_and_a_tool_that_is_nowhere(tmp_path: Path) -> None:
    code = "from parley.tooling import tool\n@tool\ndef look() -> str:\n    '''Look.'''\n    return 'x'\n"
    write(tmp_path, GOOD, tools__py=code)
    with pytest.raises(Misconfigured, match=r"tools.yaml: tools.look: tools.py has a tool of this name; rename one"):
        Toolboxes(tmp_path).tools("a")
    (tmp_path / "a" / "tools.py").unlink()
    (tmp_path / "a" / "agent.yaml").write_text("company: A\ngreeting: Hi.\nprompt: A.\ntools: [find]\n")
    with pytest.raises(Misconfigured, match=r"tools: find not found in tools.py or tools.yaml; they have look"):
        Toolboxes(tmp_path).tools("a")


def test_the_version_is_of_all_files_that_tools_are_made_of(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    boxes = Toolboxes(tmp_path)
    versions = [boxes.now("a").agent.version]
    assert load_agent(tmp_path, "a").version == versions[0]
    for name, text in (("tools.yaml", GOOD + "\n"), ("openapi.json", "{}"), ("tools.py", "x = 1\n")):
        (tmp_path / "a" / name).write_text(text)
        versions.append(boxes.now("a").agent.version)
    assert len(set(versions)) == 4
    (tmp_path / "a" / "tools.yaml").write_text("tools: 1")
    assert boxes.now("a").agent.version == versions[-1]  # the last good one stays
    assert list(boxes.of("a", versions[0]).tools) == ["look"]


OPENAPI = """
openapi: 3.0.3
servers: [{url: "https://{region}.example.com/v1", variables: {region: {default: eu}}}]
paths:
  /orders/{order-id}:
    parameters:
      - {$ref: "#/components/parameters/Order"}
    get:
      operationId: getOrder
      summary: Find an order.
      description: By its number.
      parameters:
        - {name: expand, in: query, schema: {type: array, items: {type: string, enum: [items, state]}}}
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: filter, in: query, style: deepObject, schema: {type: object}}
    put:
      operationId: changeOrder
      summary: Change an order.
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Order"}
    post:
      operationId: deep
      summary: Deep.
      parameters:
        - {name: filter, in: query, required: true, style: deepObject, schema: {type: object}}
components:
  parameters:
    Order: {name: order-id, in: path, required: true, description: "Its number.", schema: {type: integer, minimum: 1}}
  schemas:
    Order:
      type: object
      required: [street]
      properties:
        street: {type: string, pattern: "(a+)+$"}
        parent: {$ref: "#/components/schemas/Order"}
        gift: {type: boolean, nullable: true}
"""
OPERATIONS = """
defaults: {openapi: openapi.yaml}
tools:
  get_order: {operation: getOrder, only: [order_id, expand]}
  change_order: {operation: changeOrder, parameters: {parent: {value: "x"}, street: {description: "Where to."}}}
"""


def test_an_operation_is_a_tool(tmp_path: Path) -> None:
    write(tmp_path, OPERATIONS, openapi__yaml=OPENAPI)
    tools = Toolboxes(tmp_path).tools("a")
    assert tools["get_order"].description == "Find an order. By its number."
    assert json.loads(tools["get_order"].parameters_json) == {
        "type": "object",
        "properties": {
            "order_id": {"type": "integer", "minimum": 1, "description": "Its number."},
            "expand": {"type": "array", "items": {"type": "string", "enum": ["items", "state"]}},
        },
        "required": ["order_id"],
        "additionalProperties": False,
    }
    change = json.loads(tools["change_order"].parameters_json)
    assert change["properties"]["street"] == {"type": "string", "description": "Where to."}
    assert (change["required"], "parent" in change["properties"]) == (["order_id", "street"], False)
    assert (tools["change_order"].marks.effects, tools["change_order"].marks.idempotent) == (True, True)


async def test_an_operation_is_called(serve: Any, shop: Shop) -> None:
    described = OPENAPI.replace("https://{region}.example.com/v1", "SHOP/v1")
    desk = await serve(OPERATIONS, openapi__yaml=described)
    arguments = {"order_id": "7", "expand": ["items", "STATE"]}
    await desk.execute("get_order", 1, agent="a", arguments={**arguments, "expand": ["items", "state"]})
    await desk.execute("change_order", 2, agent="a", arguments={"order_id": 7, "street": "Elm", "gift": None})
    assert shop.asked[0].path == "/v1/orders/7?expand=items&expand=state"
    assert (shop.asked[1].method, json.loads(shop.asked[1].body)) == ("PUT", {"street": "Elm", "parent": "x"})


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("{operation: nothing}", "operation: there is no operation 'nothing'; there are getOrder, changeOrder, deep"),
        ("{operation: deep}", "parameter filter: it is sent in a way that is not supported"),
        ("{operation: getOrder, openapi: other.yaml}", "there is no other.yaml beside it"),
        ("{operation: getOrder, only: [expand]}", "order_id is required; name it, or give it from or value"),
        ("{operation: getOrder, parameters: {size: {}}}", "has no such parameter; it has order_id, expand"),
        ("{operation: getOrder, parameters: {expand: {type: integer}}}", "are the operation's to say; take them out"),
        ("{operation: getOrder, server: /v1}", "names no whole address; write server"),
        ("{operation: getOrder, method: GET}", "method: the operation says it"),
    ],
)  # fmt: skip
def test_an_operation_that_cannot_be_a_tool_is_told(tmp_path: Path, tools: str, words: str) -> None:
    write(tmp_path, f"defaults: {{openapi: openapi.yaml}}\ntools:\n  x: {tools}\n", openapi__yaml=OPENAPI)
    with pytest.raises(Misconfigured) as error:
        Toolboxes(tmp_path).tools("a")
    assert words in str(error.value)


def test_the_examples_of_the_docs_are_right(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "http-tools.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    write(tmp_path, example)
    tools = Toolboxes(tmp_path).tools("a")
    assert list(tools) == ["get_order", "book_visit"]
    assert (tools["book_visit"].marks.consequential, tools["book_visit"].secrets) == (True, ("SHOP_KEY",))
    mcp = (ROOT / "docs" / "mcp.md").read_text().split("```yaml\n")[1].split("```")[0]
    write(tmp_path, "tools: {}\n", agent=f"{YAML}{mcp}")
    assert list(Toolboxes(tmp_path).now("a").agent.mcp) == ["crm", "calendar"]
