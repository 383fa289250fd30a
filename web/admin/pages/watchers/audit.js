/** The audit: what was done by whom and what happened in calls, each entry chained to the one before. */

import { get } from "../../kit/api.js";
import { h } from "../../kit/dom.js";
import { count, moment, plural, whole } from "../../kit/format.js";
import { panel } from "../../kit/page.js";
import { longer } from "../../kit/pages.js";
import { pill } from "../../kit/pills.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

/** @type {Array<import("../../kit/table.js").Column<any>>} */
const COLUMNS = [
  { head: "Kind", className: "tight", cell: (each) => h("code", {}, each.kind) },
  {
    head: "When",
    className: "tight lead",
    cell: (each) => h("time", { title: whole(each.at) }, moment(each.at, true)),
  },
  { head: "Who", cell: (each) => each.who },
  { head: "What", cell: (each) => [each.subject, h("span", { class: "under" }, detail(each.detail))] },
  { head: "Entry", figure: true, className: "tight", cell: (each) => count(each.number) },
];

/** @param {HTMLElement} body */
export function audit(body) {
  return shown(
    body,
    "the audit",
    () => get("/api/audit"),
    (told) => {
      const place = h("div", { role: "status" });
      const button = h("button", { type: "button", class: "button", onclick: () => verify(place) }, "Check the chain");
      const made = table("Entries, newest first", COLUMNS, told.items);
      return panel(
        "Audit",
        told.items.length === 0
          ? empty("Nothing is in the audit yet", "Logins, changes and calls stand here from now on.")
          : [place, made, longer(made, COLUMNS, "/api/audit", {}, told.next)],
        { note: "append-only; each entry is chained to the one before", right: [button] },
      );
    },
  );
}

/** @param {HTMLElement} place */
async function verify(place) {
  await shown(
    place,
    "the verdict; all of it is read",
    () => get("/api/audit/verify"),
    (told) => {
      if (!told.whole) {
        return h(
          "p",
          { class: "warning" },
          pill("fail", "bad", `The chain is broken at entry ${count(told.broken)}`),
          ` ${told.why}`,
        );
      }
      const forgotten = told.unreadable
        ? `, ${plural(told.unreadable, "entry is of a caller who was forgotten", "entries are of callers who were forgotten")}`
        : "";
      return h(
        "p",
        { class: "verdict" },
        pill("pass", "good", `The chain holds: ${plural(told.entries, "entry", "entries")}${forgotten}`),
        " ",
        h("code", { class: "under" }, told.head),
      );
    },
  );
}

/** @param {Record<string, any> | null} parts */
function detail(parts) {
  if (parts === null) return "of a caller who was forgotten";
  return Object.entries(parts)
    .map(([name, value]) => [name.replace(/_pii$/, "").replaceAll("_", " "), shownValue(value)])
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");
}

/**
 * @param {any} value
 * @returns {string} empty: it says nothing
 */
function shownValue(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(shownValue).join(" ");
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${part === null ? "as by default" : shownValue(part)}`)
    .join(", ");
}
