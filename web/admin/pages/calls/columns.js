/** What the list of calls shows of each. */

import { h } from "../../kit/dom.js";
import { clock, moment, money, whole } from "../../kit/format.js";
import { pill } from "../../kit/pills.js";

/** @type {Array<import("../../kit/table.js").Column<any>>} */
export const COLUMNS = [
  {
    head: "Caller",
    cell: (call) => [
      h("a", { class: "main", href: `/admin/calls/${encodeURIComponent(call.call_id)}` }, other(call)),
      h("span", { class: "under narrow" }, way(call)),
    ],
  },
  {
    head: "Reached",
    minor: true,
    className: "tight",
    cell: (call) => (call.channel === "phone" ? reached(call) : null),
  },
  {
    head: "When",
    className: "tight",
    cell: (call) => h("time", { title: whole(call.started_at) }, moment(call.started_at)),
  },
  { head: "Agent", cell: (call) => call.agent },
  {
    head: "Outcome",
    cell: outcome,
  },
  { head: "Mood", minor: true, cell: (call) => call.emotion && pill(call.emotion) },
  { head: "Turns", figure: true, minor: true, cell: (call) => String(call.turns) },
  { head: "Interrupted", figure: true, minor: true, cell: (call) => some(call.interruptions) },
  { head: "Tools", figure: true, cell: tools, minor: true },
  { head: "Time", figure: true, className: "lead", cell: (call) => clock(call.seconds) },
  { head: "Cost", figure: true, cell: (call) => money(call.cost_usd) },
];

/**
 * @param {HTMLTableRowElement} row
 * @param {any} call
 */
export function leads(row, call) {
  row.classList.add("leads");
  row.dataset.call = call.call_id;
}

/** @param {any} call whom the agent talks to */
export function other(call) {
  return (call.direction === "outbound" ? call.called : call.caller) || (call.channel === "chat" ? "Chat" : "Browser");
}

/** @param {any} call */
function reached(call) {
  return call.direction === "outbound" ? `from ${call.caller}` : call.called;
}

/** @param {any} call */
export function way(call) {
  if (call.channel !== "phone") return "";
  return call.direction === "outbound" ? "called by us" : `to ${call.called}`;
}

/** @type {Record<string, string>} */
const ENDED = { caller: "caller hung up", bot: "agent ended it", transfer: "handed over", lost: "line was lost" };

/** @param {any} call what it came to; where nobody has judged that: how it ended */
export function outcome(call) {
  if (!call.ended_at) return pill("up", "busy", "Still up");
  if (call.outcome) return pill(call.outcome);
  return h("span", { class: "note" }, ENDED[call.ended_by] ?? call.ended_by);
}

/** @param {any} call */
function tools(call) {
  if (!call.tools_failed) return some(call.tools);
  return [String(call.tools), " ", h("span", { class: "bad" }, `${call.tools_failed} failed`)];
}

/** @param {number} number zeros are left out: what is there is seen */
function some(number) {
  return number ? String(number) : null;
}
