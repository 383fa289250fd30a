/** Webhooks: which of the operator's own systems are told of calls. */

import { change, get, post } from "../../kit/api.js";
import { asked, shownOnce } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { check, field, input } from "../../kit/forms.js";
import { moment, plural, whole } from "../../kit/format.js";
import { say, sayTrouble } from "../../kit/news.js";
import { panel } from "../../kit/page.js";
import { chip, pill } from "../../kit/pills.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

const LOOK_AGAIN_MS = 3000;
const KINDS = ["call.started", "call.ended", "call.transferred", "tool.failed"];

/** @param {HTMLElement} body */
export function webhooks(body) {
  const load = () =>
    shown(
      body,
      "the webhooks",
      () => get("/api/webhooks"),
      ({ items }) => drawn(items, load),
    );
  return load();
}

/**
 * @param {any[]} items
 * @param {() => void} load
 */
function drawn(items, load) {
  const add = h("button", { type: "button", class: "button strong", onclick: () => made(load) }, "Add a webhook");
  const those = items.length
    ? table("Webhooks", columns(load), items)
    : empty(
        "Nobody is told",
        "Add the address of a system of yours: it is told when calls begin, end, are transferred, or a tool fails.",
      );
  return panel("Webhooks", those, { note: "signed messages, tried for a day: docs/webhooks.md", right: [add] });
}

/**
 * @param {() => void} load
 * @returns {Array<import("../../kit/table.js").Column<any>>}
 */
function columns(load) {
  return [
    {
      head: "Address",
      cell: (each) => [h("code", { class: "main" }, each.url), h("span", { class: "under" }, each.note)],
    },
    {
      head: "Is told of",
      cell: (each) =>
        (each.kinds.length ? each.kinds : ["everything"]).flatMap((/** @type {string} */ kind) => [chip(kind), " "]),
    },
    {
      head: "State",
      className: "tight",
      cell: (each) => [
        each.active ? pill("on", "good", "On") : pill("paused", "warn", "Paused"),
        each.waiting > 0 &&
          h(
            "span",
            { class: each.error ? "under bad" : "under" },
            `${plural(each.waiting, "message")} ${each.waiting === 1 ? "waits" : "wait"}`,
            each.error && `: ${each.error}`,
          ),
      ],
    },
    {
      head: "Since",
      className: "tight",
      minor: true,
      cell: (each) => h("time", { title: whole(each.made_at) }, moment(each.made_at)),
    },
    { head: "Do", quiet: true, className: "actions", cell: (each) => actions(each, load) },
  ];
}

/**
 * @param {any} each
 * @param {() => void} load
 */
function actions(each, load) {
  const path = `/api/webhooks/${encodeURIComponent(each.id)}`;
  const button = (/** @type {string} */ text, /** @type {(event: MouseEvent) => void} */ act, more = "") =>
    h("button", { type: "button", class: `button ${more}`, "aria-label": `${text}: ${each.url}`, onclick: act }, text);
  const tried = async (/** @type {MouseEvent} */ event) => {
    const pressed = /** @type {HTMLElement} */ (event.currentTarget);
    try {
      await post(`${path}/ping`);
      say("A ping is on its way. If it is not taken, that stands here in a moment.");
      setTimeout(() => pressed.isConnected && load(), LOOK_AGAIN_MS);
    } catch (error) {
      sayTrouble(error);
    }
  };
  return [
    button("Ping", tried),
    " ",
    button(each.active ? "Pause" : "Resume", () =>
      change("PATCH", path, { active: !each.active }).then(load, sayTrouble),
    ),
    " ",
    button("Remove", () => removed(each, path, load), "danger"),
  ];
}

/** @param {() => void} load */
async function made(load) {
  let hook = null;
  const done = await asked({
    title: "Add a webhook",
    body: [
      field("Address", input("url", { type: "url", required: true, placeholder: "https://crm.example.com/parley" })),
      h(
        "fieldset",
        { class: "scopes" },
        h("legend", {}, "What it is told of; none: everything"),
        KINDS.map((kind) => check(kind, kind, false)),
      ),
      field("Note", input("note", { placeholder: "the CRM" })),
    ],
    yes: "Add",
    act: async (data) => {
      hook = await post("/api/webhooks", {
        url: String(data.get("url")).trim(),
        kinds: KINDS.filter((kind) => data.get(kind)),
        note: String(data.get("note")).trim(),
      });
    },
  });
  if (!done || !hook) return;
  await shownOnce("The secret", [
    h("p", {}, "Messages are signed with it; whoever receives them checks the signature. It is shown this once."),
    h("code", { class: "once" }, /** @type {any} */ (hook).secret),
  ]);
  load();
}

/**
 * @param {any} each
 * @param {string} path
 * @param {() => void} load
 */
async function removed(each, path, load) {
  const done = await asked({
    title: "Remove this webhook?",
    body: [h("p", {}, `${each.url} is told nothing more, not even what is on its way.`)],
    yes: "Remove",
    danger: true,
    act: () => change("DELETE", path),
  });
  if (done) load();
}
