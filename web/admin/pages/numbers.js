/** Which agent answers which number, when it is open, and what happens outside these hours. */

import { address, change, get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { check, field, input, select } from "../kit/forms.js";
import { moment, whole } from "../kit/format.js";
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
  const beside = h("span");
  /** @type {string[]} */
  let agents = [];
  const does = {
    edit: (/** @type {any} */ each) => edit(each, agents, load),
    remove: (/** @type {any} */ each) => remove(each, load),
  };
  const right = admin
    ? [h("button", { type: "button", class: "button strong", onclick: () => does.edit(null) }, "Add a number")]
    : [];
  fill(page, head("Numbers", { beside, right }), body);

  /** Asks again after each change. */
  function load() {
    return shown(
      body,
      "the numbers",
      () => get("/api/numbers"),
      (told) => {
        agents = told.agents;
        fill(beside, `The rest is answered by ${told.default.join(" or ")}.`);
        return told.items.length === 0
          ? empty(
              "No number is routed",
              `Every call is answered by ${told.default.join(" or ")}. Add a number to have another agent answer it.`,
            )
          : table(
              "Which agent answers which number, in the order in which they are looked at",
              columns(admin, does),
              told.items,
            );
      },
    );
  }
  await load();
  return { title: "Numbers" };
}

/**
 * @param {boolean} admin
 * @param {{edit: (each: any) => void, remove: (each: any) => void}} does
 * @returns {Array<import("../kit/table.js").Column<any>>}
 */
function columns(admin, does) {
  return [
    {
      head: "Number",
      cell: (each) => [h("span", { class: "main" }, each.pattern), h("span", { class: "under" }, kind(each.pattern))],
    },
    {
      head: "Agent",
      cell: (each) => [
        each.agent,
        each.gone && h("span", { class: "under bad" }, "is gone: the default agent answers"),
      ],
    },
    { head: "Open", cell: (each) => opening(each) },
    { head: "When closed", cell: (each) => toldOutside(each.hours?.outside) },
    {
      head: "Change",
      quiet: true,
      className: "actions",
      cell: (each) =>
        admin && [
          h(
            "button",
            { type: "button", class: "button", "aria-label": `Change ${each.pattern}`, onclick: () => does.edit(each) },
            "Change",
          ),
          " ",
          h(
            "button",
            {
              type: "button",
              class: "button danger",
              "aria-label": `Remove ${each.pattern}`,
              onclick: () => does.remove(each),
            },
            "Remove",
          ),
        ],
    },
  ];
}

/** @param {string} pattern */
function kind(pattern) {
  if (pattern === "*") return "all others";
  if (pattern === "page") return "calls from the page";
  if (pattern.endsWith("*")) return "all that begin so";
  return pattern.startsWith("sip") ? "SIP address" : "this number";
}

/** @param {any} each */
function opening(each) {
  if (!each.hours) return h("span", { class: "note" }, "always");
  const state = pill(
    each.open ? "openingnow" : "closed_now",
    each.open ? "good" : "warn",
    each.open ? "Open now" : "Closed now",
  );
  const next =
    !each.open &&
    each.opens_next &&
    h("time", { class: "under", title: whole(each.opens_next) }, `opens ${moment(each.opens_next)}`);
  return [
    state,
    next,
    told(each.hours).map((line) => h("span", { class: "under" }, line)),
    h("span", { class: "under" }, each.hours.zone),
  ].flat();
}

/**
 * @param {any | null} each null: a new one
 * @param {string[]} agents
 * @param {() => void} load
 */
async function edit(each, agents, load) {
  const hours = h("div", { class: "form", hidden: !each?.hours }, fields(each?.hours, agents));
  const always = check("Answered at all times", "always", !each?.hours, {
    onchange: (/** @type {Event} */ event) => {
      hours.hidden = /** @type {HTMLInputElement} */ (event.target).checked;
    },
  });
  const done = await asked({
    title: each ? `Change ${each.pattern}` : "Add a number",
    body: [
      !each &&
        field(
          "Number",
          input("pattern", { required: true }),
          "As in +15550100100. +1555* are all that begin so, * all others; sip:desk@example.com an address.",
        ),
      field(
        "Agent",
        select(
          "agent",
          agents.map((/** @type {string} */ name) => [name, name]),
          each?.agent,
        ),
      ),
      always,
      hours,
    ],
    yes: each ? "Change" : "Add",
    act: (data) =>
      post("/api/numbers", {
        pattern: each?.pattern ?? String(data.get("pattern")).trim(),
        agent: String(data.get("agent")),
        hours: data.get("always") ? null : given(data),
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
    title: `Remove ${each.pattern}?`,
    body: [
      h(
        "p",
        {},
        "Its calls are answered by whatever matches next, or by the agent that answers when nothing else is said.",
      ),
    ],
    yes: "Remove",
    danger: true,
    act: () => change("DELETE", address("/api/numbers", { pattern: each.pattern })),
  });
  if (done) load();
}
