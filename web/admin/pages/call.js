/** One call on record: what was said beside how fast it was answered, turn by turn; its tools, costs and events. */

import { get } from "../kit/api.js";
import { h } from "../kit/dom.js";
import { clock, count, dated, DASH, millis, money, moment, spaced, whole } from "../kit/format.js";
import { icon } from "../kit/icons.js";
import { figures, inside, pairs, panel } from "../kit/page.js";
import { chip, pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { other, outcome, way } from "./calls/columns.js";
import { eventsPanel } from "./calls/events.js";
import { replayPanel } from "./calls/replay.js";
import { turns } from "./calls/turns.js";

/** @type {Record<string, string>} */
const STAGES = { stt: "ears", llm: "mind", tts: "voice" };
/** Moments that the turns show. */
const USUAL = new Set(["leg_ended", "paused", "resumed", "interrupted", "not_interrupted", "notinterrupted"]);

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const path = `/api/calls/${encodeURIComponent(here.params.id)}`;
  await shown(
    page,
    "the call",
    () => get(path),
    (call) => drawn(call, path),
  );
  return { title: "Call" };
}

/**
 * @param {any} call
 * @param {string} path
 */
function drawn(call, path) {
  const said = turns(call);
  return [
    h(
      "header",
      { class: "head" },
      h("a", { class: "plain back", href: "/admin/calls", "aria-label": "All calls" }, icon("back")),
      h("h1", {}, other(call)),
      h(
        "span",
        { class: "beside" },
        h("time", { title: whole(call.started_at) }, moment(call.started_at)),
        way(call) && ` · ${way(call)}`,
      ),
      h(
        "div",
        { class: "right" },
        !call.ended_at &&
          h(
            "a",
            { class: "button strong", href: `/admin/live/${encodeURIComponent(call.call_id)}` },
            "Still up: follow it",
          ),
      ),
    ),
    h(
      "section",
      { class: "panel", "aria-label": "In short" },
      figures([
        ["Outcome", outcome(call), "worded"],
        ["Time", clock(call.seconds)],
        ["Turns", count(call.turns)],
        ["Interrupted", count(call.interruptions)],
        ["Tools", call.tools_failed ? `${call.tools}, ${call.tools_failed} failed` : count(call.tools)],
        ["Mood", call.emotion ? pill(call.emotion) : DASH, "worded"],
        ["Answered in, mean", call.answer_ms ? millis(call.answer_ms) : DASH],
        ["Cost", money(call.cost_usd)],
      ]),
    ),
    h(
      "div",
      { class: "record" },
      h(
        "div",
        {},
        panel("Turn by turn", said.list ?? empty("Nothing was said", "The call ended before anybody spoke."), {
          note: said.legend,
        }),
      ),
      h(
        "div",
        {},
        about(call),
        slots(call),
        happened(call),
        costs(call),
        replayPanel(path),
        eventsPanel(path, call.events),
      ),
    ),
  ];
}

/** @param {any} call */
function about(call) {
  return panel(
    "About",
    inside(
      call.summary && h("p", { class: "summary" }, call.summary),
      pairs([
        ["Agent", [call.agent, " ", chip(call.agent_version || "no version")]],
        ["Began", whole(call.started_at)],
        ["Ended", call.ended_at ? [whole(call.ended_at), ended(call)] : "It is up"],
        ["Language", call.language || DASH],
        ["Number", call.channel === "phone" ? `${call.caller} → ${call.called}` : spaced(call.channel)],
        ["Id", h("code", {}, call.call_id)],
      ]),
    ),
  );
}

/** @param {any} call */
function ended(call) {
  const why = [call.ended_by && `by ${call.ended_by}`, call.end_reason].filter(Boolean).join(": ");
  return why && h("span", { class: "under" }, why);
}

/**
 * What was out of the ordinary.
 *
 * @param {any} call
 */
function happened(call) {
  const began = dated(call.started_at)?.getTime() ?? 0;
  const told = (call.moments ?? []).filter((/** @type {any} */ each) => !USUAL.has(each.what));
  if (told.length === 0) return null;
  return panel(
    "What happened",
    table(
      "What happened, in order",
      [
        { head: "Time", className: "tight", cell: (each) => clock((each.at_ms - began) / 1000) },
        {
          head: "What",
          cell: (each) => [spaced(each.what), each.detail && h("span", { class: "under" }, each.detail)],
        },
      ],
      told,
      { plain: true },
    ),
  );
}

/** @param {any} call */
function slots(call) {
  const found = Object.entries(call.slots ?? {});
  return (
    found.length > 0 &&
    panel("What was found out", inside(pairs(found.map(([name, value]) => [spaced(name), String(value)]))))
  );
}

/** @param {any} call */
function costs(call) {
  if (!call.costs?.length)
    return panel("Cost", inside(h("p", { class: "note" }, "Nothing was charged: no vendor was used.")));
  return panel(
    "Cost",
    table(
      "Cost by vendor",
      [
        {
          head: "Vendor",
          cell: (cost) => [
            h("span", { class: "main" }, cost.vendor),
            h("span", { class: "under" }, [STAGES[cost.stage], cost.model].filter(Boolean).join(", ")),
          ],
        },
        { head: "Used", figure: true, cell: (cost) => `${count(cost.amount)} ${cost.unit}` },
        { head: "Cost", figure: true, cell: (cost) => money(cost.usd) },
      ],
      call.costs,
      { plain: true },
    ),
  );
}
