/** What happened in a call, input by input: for who looks for the reason. Asked for when it is opened. */

import { get } from "../../kit/api.js";
import { h } from "../../kit/dom.js";
import { dated, plural } from "../../kit/format.js";
import { panel } from "../../kit/page.js";
import { longer } from "../../kit/pages.js";
import { shown } from "../../kit/states.js";
import { sideways, table } from "../../kit/table.js";

const PAGE = 100;
const TIME = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** @type {Array<import("../../kit/table.js").Column<any>>} */
const COLUMNS = [
  { head: "n", cell: (event) => String(event.n) },
  { head: "Time", className: "tight", cell: (event) => TIME.format(dated(event.at_ms) ?? 0) },
  { head: "Kind", className: "tight", cell: (event) => h("code", {}, event.kind) },
  { head: "What", cell: (event) => [event.text, detail(event.detail)] },
  { head: "Owner", className: "tight", cell: (event) => event.epoch },
];

/**
 * @param {string} path
 * @param {number} total
 */
export function eventsPanel(path, total) {
  const place = h("div");
  const button = h("button", { type: "button", class: "button", onclick: () => show() }, "Show");

  /** The first page in the place of the button. */
  async function show() {
    button.remove();
    await shown(
      place,
      "the events",
      () => get(`${path}/events`, { limit: PAGE }),
      (answer) => {
        const made = table("Events, oldest first", COLUMNS, answer.items, { plain: true });
        const rest = longer(made, COLUMNS, `${path}/events`, { limit: PAGE }, answer.next, { what: "More events" });
        return [sideways("Events", made), rest];
      },
    );
    /** @type {HTMLElement | null} */ (place.querySelector(".sideways"))?.focus();
  }

  return panel("Events", place, { note: plural(total, "record"), right: [button] });
}

/** @param {Record<string, any> | undefined} parts */
function detail(parts) {
  const told = Object.entries(parts ?? {}).map(
    ([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return told.length > 0 && h("span", { class: "under" }, told.join(", "));
}
