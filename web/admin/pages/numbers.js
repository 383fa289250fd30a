/** Which agent answers which number, when it is open, and what happens outside these hours. */

import { change, get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { check, field, input, select } from "../kit/forms.js";
import { say } from "../kit/news.js";
import { head } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";
import { fields, given, told, toldOutside } from "./numbers/hours.js";

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
    { head: "Number", cell: (each) => [h("span", { class: "main" }, each.number), h("span", { class: "under" }, kind(each.number))] },
    { head: "Agent", cell: (each) => each.agent },
    { head: "Open", cell: (each) => opening(each) },
    { head: "When closed", cell: (each) => toldOutside(each.hours?.outside) },
    { head: "Change", quiet: true, className: "actions lead", cell: (each) => admin && [
      h("button", { type: "button", class: "button", "aria-label": `Change ${each.number}`, onclick: () => edit(each, load) }, "Change"), " ",
      h("button", { type: "button", class: "button danger", "aria-label": `Remove ${each.number}`, onclick: () => remove(each, load) }, "Remove"),
    ] },
  ];
}

/** @param {string} number */
function kind(number) {
  if (number === "*") return "all others";
  if (number === "page") return "calls from the page";
  if (number.endsWith("*")) return "all that begin so";
  return number.startsWith("sip") ? "SIP address" : "this number";
}

/** @param {any} each */
function opening(each) {
  if (!each.hours) return h("span", { class: "note" }, "always");
  const state = each.open === undefined ? null : pill(each.open ? "openingnow" : "closed_now", each.open ? "good" : "warn", each.open ? "Open now" : "Closed now");
  return [state, told(each.hours).map((line) => h("span", { class: "under" }, line)), h("span", { class: "under" }, each.hours.zone)].flat();
}

/**
 * @param {any | null} each null: a new one
 * @param {() => void} load
 */
async function edit(each, load) {
  const agents = await get("/api/agents").then(({ items }) => items.map((/** @type {any} */ agent) => agent.name), () => [each?.agent].filter(Boolean));
  const hours = h("div", { class: "form", hidden: !each?.hours }, fields(each?.hours, agents));
  const always = check("Answered at all times", "always", !each?.hours, { onchange: (/** @type {Event} */ event) => {
    hours.hidden = /** @type {HTMLInputElement} */ (event.target).checked;
  } });
  const done = await asked({
    title: each ? `Change ${each.number}` : "Add a number",
    body: [
      !each && field("Number", input("number", { required: true }), "As in +15550100100. +1555* are all that begin so, * all others; sip:desk@example.com an address."),
      field("Agent", select("agent", agents.map((/** @type {string} */ name) => [name, name]), each?.agent)),
      always,
      hours,
    ],
    yes: each ? "Change" : "Add",
    act: (data) => post("/api/numbers", {
      number: each?.number ?? String(data.get("number")).trim(), agent: String(data.get("agent")), hours: data.get("always") ? null : given(data),
    }),
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
    title: `Remove ${each.number}?`, body: [h("p", {}, "Its calls are answered by whatever matches next, or by the agent that answers when nothing else is said.")],
    yes: "Remove", danger: true, act: () => change("DELETE", `/api/numbers/${encodeURIComponent(each.number)}`),
  });
  if (done) load();
}
