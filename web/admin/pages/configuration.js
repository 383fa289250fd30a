/** Settings that may be changed while everything runs: what each is, where it comes from, who changed it when. */

import { change, get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { field, input } from "../kit/forms.js";
import { moment, plural, whole } from "../kit/format.js";
import { say } from "../kit/news.js";
import { head, panel } from "../kit/page.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";
import { control, given } from "./configuration/control.js";
import { grouped } from "./configuration/groups.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const search = input("search", { type: "search", placeholder: "Find a setting", "aria-label": "Find a setting" });
  const admin = may(here.who, "admin");
  fill(page, head("Configuration", { beside: admin ? null : "To change something takes the role admin.", right: [h("div", { class: "inline one" }, search)] }), body);

  /** Asks again after each change. */
  function load() {
    return shown(body, "the settings", () => get("/api/config"), (config) => {
      const groups = grouped(config.items ?? config.settings).map(({ title, settings }) =>
        panel(title, table(title, columns(admin, changed), settings, { className: "settings", each: (row, setting) => (row.dataset.search = `${setting.name} ${setting.about ?? ""}`.toLowerCase()) })));
      return [...groups, history(config.history ?? [], admin, load)];
    }).then(() => narrow());
  }

  /** Shows the settings that the words fit. */
  function narrow() {
    const words = search.value.trim().toLowerCase().split(/\s+/);
    for (const part of body.querySelectorAll(".panel")) {
      const rows = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-search]")]);
      for (const row of rows) row.hidden = !words.every((word) => row.dataset.search?.includes(word));
      /** @type {HTMLElement} */ (part).hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
  }

  /** @param {any} setting */
  async function changed(setting) {
    const done = await asked({
      title: setting.name,
      body: [
        setting.about && h("p", {}, setting.about),
        control(setting),
        field("Why", input("note", { maxlength: 200 }), "Stands in the history. New calls are answered by it within 2 s; calls that are up keep what they have."),
      ],
      yes: "Change",
      act: (data) => post("/api/config", { changes: { [setting.name]: given(setting, data) }, note: String(data.get("note") ?? "") }),
    });
    if (!done) return;
    say(`${setting.name} is changed.`);
    await load();
  }
  search.addEventListener("input", narrow);
  await load();
  return { title: "Configuration" };
}

/**
 * @param {boolean} admin
 * @param {(setting: any) => void} changed
 * @returns {Array<import("../kit/table.js").Column<any>>}
 */
function columns(admin, changed) {
  return [
    { head: "Setting", cell: (setting) => [h("code", { class: "main" }, setting.name), h("span", { class: "under" }, setting.about)] },
    { head: "Value", className: "value", cell: shownValue },
    { head: "From", className: "tight", cell: from },
    { head: "Change", quiet: true, className: "actions lead", cell: (setting) => admin && !setting.locked && h("button", {
      type: "button", class: "button", "aria-label": `Change ${setting.name}`, onclick: () => changed(setting),
    }, "Change") },
  ];
}

/** @param {any} setting */
function shownValue(setting) {
  if (setting.value === "" || setting.value === null || setting.value === undefined) return h("span", { class: "note" }, setting.secret ? "not set" : "empty");
  return h("code", {}, String(setting.value));
}

/** @param {any} setting */
function from(setting) {
  if (setting.locked) return h("span", { class: "pill" }, "environment, locked");
  if (setting.source === "live" || setting.who) {
    return [h("span", {}, `${setting.who ?? "changed here"}`), setting.at && h("time", { class: "under", title: whole(setting.at) }, moment(setting.at))];
  }
  return h("span", { class: "note" }, "default");
}

/**
 * @param {any[]} changes
 * @param {boolean} admin
 * @param {() => void} done
 */
function history(changes, admin, done) {
  if (changes.length === 0) return panel("History", empty("Nothing has been changed yet", "Each change is listed here, with who made it and why, and can be taken back."));
  return panel("History", table("Changes, newest first", [
    { head: "What", cell: (each) => [h("span", { class: "main" }, each.changed.join(", ")), h("span", { class: "under" }, each.note)] },
    { head: "Who", cell: (each) => each.who },
    { head: "When", className: "tight", cell: (each) => h("time", { title: whole(each.at) }, moment(each.at)) },
    { head: "Undo", quiet: true, className: "actions lead", cell: (each) => admin && h("button", {
      type: "button", class: "button", "aria-label": `Undo ${each.changed.join(", ")}`, onclick: () => undo(each, done),
    }, "Undo") },
  ], changes), { note: plural(changes.length, "change") });
}

/**
 * @param {any} each
 * @param {() => void} done
 */
async function undo(each, done) {
  const sure = await asked({
    title: "Take this change back?",
    body: [h("p", {}, `${each.changed.join(", ")} will be as before ${whole(each.at)}.`)],
    yes: "Undo",
    act: () => change("POST", "/api/config/undo", { revision: each.revision }),
  });
  if (sure) done();
}
