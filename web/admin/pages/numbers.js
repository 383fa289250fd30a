/** Which agent answers which number, when it is open, and what happens outside these hours. */

import { change, get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { field, input, select } from "../kit/forms.js";
import { say } from "../kit/news.js";
import { head } from "../kit/page.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const admin = may(here.who, "admin");
  const body = h("div", { class: "panel" });
  const right = admin ? [h("button", { type: "button", class: "button strong", onclick: () => edit(null, load) }, "Add a number")] : [];
  fill(page, head("Numbers", { beside: "The longest match answers.", right }), body);

  /** Asks again after each change. */
  function load() {
    return shown(body, "the numbers", () => get("/api/numbers"), ({ items }) => items.length === 0
      ? empty("No number is routed", "Every call is answered by the agent that PARLEY_AGENT names. Add a number to have another agent answer it.")
      : table("Which agent answers which number", columns(admin, load), items));
  }
  await load();
  return { title: "Numbers" };
}

/**
 * @param {boolean} admin
 * @param {() => void} load
 * @returns {Array<import("../kit/table.js").Column<any>>}
 */
function columns(admin, load) {
  return [
    { head: "Number", cell: (each) => [h("span", { class: "main" }, each.match), h("span", { class: "under" }, { exact: "this number", prefix: "all that begin so", sip: "SIP address" }[/** @type {string} */ (each.kind)] ?? each.kind)] },
    { head: "Agent", cell: (each) => each.agent },
    { head: "Open", cell: (each) => hours(each.hours) },
    { head: "Outside", cell: (each) => (each.hours?.length || each.open ? outside(each) : null) },
    { head: "Change", quiet: true, className: "actions lead", cell: (each) => admin && [
      h("button", { type: "button", class: "button", "aria-label": `Change ${each.match}`, onclick: () => edit(each, load) }, "Change"), " ",
      h("button", { type: "button", class: "button danger", "aria-label": `Remove ${each.match}`, onclick: () => remove(each, load) }, "Remove"),
    ] },
  ];
}

/** @param {any} open */
function hours(open) {
  if (!open || open.length === 0) return h("span", { class: "note" }, "always");
  return Array.isArray(open) ? open.map((each) => h("span", { class: "line-of" }, typeof each === "string" ? each : `${each.days} ${each.from}–${each.to}`)) : String(open);
}

/** @param {any} each */
function outside(each) {
  const { closed } = each;
  if (!closed) return null;
  if (typeof closed === "string") return closed;
  return [closed.kind, closed.to, closed.text].filter(Boolean).join(": ");
}

/**
 * @param {any | null} each null: a new one
 * @param {() => void} load
 */
async function edit(each, load) {
  const agents = await get("/api/agents").then(({ items }) => items.map((/** @type {any} */ agent) => agent.name), () => []);
  const done = await asked({
    title: each ? `Change ${each.match}` : "Add a number",
    body: [
      field("Number", input("match", { value: each?.match ?? "", required: true, disabled: Boolean(each) }), "As in +15550100100; +1555* for all that begin so; sip:desk@example.com"),
      field("Agent", select("agent", agents.map((/** @type {string} */ name) => [name, name]), each?.agent)),
    ],
    yes: each ? "Change" : "Add",
    act: (data) => post("/api/numbers", { match: each?.match ?? String(data.get("match")).trim(), agent: String(data.get("agent")) }),
  });
  if (!done) return;
  say("New calls are answered so.");
  load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function remove(each, load) {
  const done = await asked({
    title: `Remove ${each.match}?`, body: [h("p", {}, "Its calls are answered by whatever matches next, or by the agent that answers when nothing else is said.")],
    yes: "Remove", danger: true, act: () => change("DELETE", `/api/numbers/${encodeURIComponent(each.id ?? each.match)}`),
  });
  if (done) load();
}
