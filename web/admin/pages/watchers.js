/** What follows the calls beside them: how far each is, what it failed on, and the chain of the audit. */

import { change, get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { moment, plural, whole } from "../kit/format.js";
import { say, sayTrouble } from "../kit/news.js";
import { head, inside, panel, tabs } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { sideways, table } from "../kit/table.js";
import { may } from "../who.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const shows = here.query.get("show") ?? "letters";
  const choose = (/** @type {string} */ what) => {
    history.replaceState(null, "", `/admin/watchers${what === "letters" ? "" : `?show=${what}`}`);
    if (what === "audit") return audit(body);
    return letters(body, may(here.who, "admin"));
  };
  fill(page, head("Watchers", { right: [tabs("What to show", [["letters", "Dead letters"], ["audit", "Audit"]], shows, choose)] }), body);
  await choose(shows);
  return { title: "Watchers" };
}

/**
 * Events that a watcher has given up on.
 *
 * @param {HTMLElement} body
 * @param {boolean} admin
 */
function letters(body, admin) {
  const load = () => shown(body, "the dead letters", () => get("/api/dead-letters"), ({ items }) => panel("Dead letters",
    items.length === 0
      ? empty("Nothing was given up on", "An event that a watcher or a webhook failed on five times stands here, to be tried again or dropped.")
      : table("Dead letters, newest first", [
          { head: "Watcher", cell: (each) => [h("span", { class: "main" }, each.watcher), h("span", { class: "under" }, (each.kinds ?? []).join(", "))] },
          { head: "Why", cell: (each) => h("span", { class: "bad" }, each.error) },
          { head: "Call", cell: (each) => each.call_id && h("a", { href: `/admin/calls/${encodeURIComponent(each.call_id)}` }, h("code", {}, each.call_id)) },
          { head: "Given up", className: "tight", cell: (each) => [h("time", { title: whole(each.at ?? each.at_ms) }, moment(each.at ?? each.at_ms)), h("span", { class: "under" }, plural(each.tries, "try", "tries"))] },
          { head: "Do", quiet: true, className: "actions", cell: (each) => admin && [
            h("button", { type: "button", class: "button", "aria-label": `Try letter ${each.id} again`, onclick: () => again(each, load) }, "Try again"), " ",
            h("button", { type: "button", class: "button danger", "aria-label": `Drop letter ${each.id}`, onclick: () => drop(each, load) }, "Drop"),
          ] },
        ], items), { note: "kept for 30 days" }));
  return load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function again(each, load) {
  try {
    await post(`/api/dead-letters/${encodeURIComponent(each.id)}/retry`);
    say(`${each.watcher} tries it again.`);
    load();
  } catch (error) {
    sayTrouble(error);
  }
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function drop(each, load) {
  const done = await asked({
    title: "Drop this letter?", body: [h("p", {}, `${each.watcher} will never be told of it. The event itself stays in the record of the call.`)],
    yes: "Drop", danger: true, act: () => change("DELETE", `/api/dead-letters/${encodeURIComponent(each.id)}`),
  });
  if (done) load();
}

/**
 * The audit: what was done by whom, each entry chained to the one before.
 *
 * @param {HTMLElement} body
 */
function audit(body) {
  return shown(body, "the audit", () => get("/api/audit", { limit: 100 }), (told) => [
    panel("Audit", [
      inside(verdict()),
      told.items.length === 0
        ? empty("Nothing is in the audit yet", "Logins, changes and calls stand here from now on.")
        : sideways("Audit", table("Entries, newest first", [
            { head: "When", className: "tight", cell: (each) => h("time", { title: whole(each.at ?? each.at_ms) }, moment(each.at ?? each.at_ms, true)) },
            { head: "Kind", cell: (each) => h("code", {}, each.kind) },
            { head: "Who", cell: (each) => each.who ?? "" },
            { head: "What", cell: (each) => [each.subject ?? each.call_id ?? "", each.detail && h("span", { class: "under" }, typeof each.detail === "string" ? each.detail : JSON.stringify(each.detail))] },
          ], told.items, { plain: true })),
    ], { note: "append-only; each entry is chained to the one before" }),
  ]);
}

/** Whether the chain holds, on request. */
function verdict() {
  const place = h("div", { class: "buttons" });
  const button = h("button", { type: "button", class: "button", onclick: () => shown(place, "the verdict", () => get("/api/audit/verify"), (told) => told.ok ?? told.holds
    ? pill("pass", "good", `The chain holds: ${plural(told.entries ?? told.checked ?? 0, "entry", "entries")}`)
    : [pill("fail", "bad", `The chain is broken at entry ${told.broken ?? told.first_broken}`), h("p", {}, told.why ?? "Compare with a backup: somebody changed what was written.")]) }, "Check the chain");
  place.append(button);
  return place;
}
