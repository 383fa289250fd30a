/** The list of calls that are up. A row changes in place, so that the focus stays where it is. */

import { h } from "../../kit/dom.js";
import { clock, dated, money, whole } from "../../kit/format.js";
import { pill } from "../../kit/pills.js";
import { line, table } from "../../kit/table.js";
import { other } from "../calls/columns.js";

const GOES_AFTER_MS = 1_500;

/** Seconds that a call has lasted are counted here; what the service said is their beginning. */
function seconds(/** @type {any} */ call) {
  const began = dated(call.started_at);
  return began ? Math.max(0, (Date.now() - began.getTime()) / 1000) : call.seconds;
}

/** @param {any} call */
function whose(call) {
  return call.specialist ? `${call.agent}, ${call.specialist}` : call.agent;
}

/** @type {Array<import("../../kit/table.js").Column<any>>} */
const COLUMNS = [
  {
    head: "Caller",
    cell: (call) => [
      h("a", { class: "main", href: `/admin/live/${encodeURIComponent(call.call_id)}` }, other(call)),
      h("span", { class: "under close" }, whose(call)),
    ],
  },
  { head: "Agent", className: "apart", cell: whose },
  {
    head: "State",
    quiet: true,
    cell: (call) => [pill(call.state), call.tool && h("span", { class: "at-work" }, call.tool)],
  },
  { head: "Mood", minor: true, cell: (call) => (call.emotion ? pill(call.emotion) : null) },
  {
    head: "Interrupted",
    figure: true,
    minor: true,
    cell: (call) => (call.interruptions ? String(call.interruptions) : null),
  },
  { head: "Cost", figure: true, minor: true, cell: (call) => money(call.cost_usd) },
  {
    head: "Time",
    figure: true,
    className: "lead",
    cell: (call) => h("time", { title: `since ${whole(call.started_at)}` }, clock(seconds(call))),
  },
];

export class CallList {
  /** @param {string} chosen id of the call that is open beside the list */
  constructor(chosen) {
    this._chosen = chosen;
    /** @type {Map<string, {call: any, row: HTMLTableRowElement}>} */
    this._calls = new Map();
    /** @type {Set<number>} */
    this._going = new Set();
    this.table = table("Calls that are up, newest first", COLUMNS, []);
  }

  get size() {
    return this._calls.size;
  }

  /** @param {any[]} calls newest first */
  all(calls) {
    for (const { row } of this._calls.values()) row.remove();
    this._calls.clear();
    for (const call of [...calls].reverse()) this.put(call, false);
  }

  /**
   * @param {any} call
   * @param {boolean} [fresh]
   */
  put(call, fresh = true) {
    const known = this._calls.get(call.call_id);
    const row = line(COLUMNS, call);
    if (known) {
      known.call = call;
      // The link stays the same element: it may have the focus.
      [...row.cells].slice(1).forEach((cell, place) => known.row.cells[place + 1].replaceWith(cell));
      const under = row.cells[0].querySelector(".under");
      if (under) known.row.cells[0].querySelector(".under")?.replaceWith(under);
      return;
    }
    row.classList.add("leads");
    if (fresh) row.classList.add("fresh");
    if (call.call_id === this._chosen) row.setAttribute("aria-current", "true");
    this._calls.set(call.call_id, { call, row });
    this.table.tBodies[0].prepend(row);
  }

  /** @param {string} id */
  gone(id) {
    const known = this._calls.get(id);
    if (!known) return;
    this._calls.delete(id);
    known.row.cells[1].replaceChildren(pill("ended"));
    known.row.classList.add("going");
    const timer = setTimeout(() => {
      this._going.delete(timer);
      known.row.remove();
    }, GOES_AFTER_MS);
    this._going.add(timer);
  }

  /** A second has passed. */
  tick() {
    for (const { call, row } of this._calls.values()) {
      const time = row.querySelector("time");
      if (time) time.textContent = clock(seconds(call));
    }
  }

  close() {
    for (const timer of this._going) clearTimeout(timer);
  }
}
