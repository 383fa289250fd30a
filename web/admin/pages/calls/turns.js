/** The conversation by turns: the words at the left, beside them the bar of how long the answer took. */

import { drawn, scaleOf } from "../../../waterfall.js";
import { h, unseen } from "../../kit/dom.js";
import { clock, dated, millis } from "../../kit/format.js";
import { ran, said } from "../live/words.js";

const STAGES = [
  { name: "ears", spent: "recognising", label: "recognised" },
  { name: "first_token", spent: "thinking", label: "first word" },
  { name: "first_sound", spent: "making the first sound", label: "first sound" },
  { name: "heard", spent: "on the way to the caller's ear", label: "heard" },
];

/**
 * @param {any} call
 * @returns {{list: HTMLElement | null, legend: HTMLElement}}
 */
export function turns(call) {
  const began = dated(call.started_at)?.getTime() ?? 0;
  const longest = Math.max(
    0,
    ...call.turn_list.map((/** @type {any} */ turn) => turn.stages.heard ?? turn.stages.first_sound ?? 0),
  );
  const scale = scaleOf(longest);
  const list = h("ol", { class: "turns" });
  for (const [number, parts] of grouped(call)) {
    const turn = call.turn_list.find((/** @type {any} */ each) => each.turn === number);
    const words = h("ol", { class: "log" });
    for (const part of parts) {
      const item = part.tool ? ran(part.tool) : said(part.line, call.agent);
      if (part.line) {
        item.querySelector(".who")?.append(h("time", { class: "at" }, clock((part.at - began) / 1000)));
      }
      words.append(item);
    }
    list.append(h("li", { class: "turn", "data-turn": number }, words, turn ? answered(turn, scale) : h("div")));
  }
  return { list: list.childElementCount ? list : null, legend: legend(scale) };
}

/**
 * Lines and tools by turn, each in the order in which they came.
 *
 * @param {any} call
 * @returns {Map<number, Array<{at: number, line?: any, tool?: any}>>}
 */
function grouped(call) {
  const parts = [
    ...call.transcript.map((/** @type {any} */ line) => ({ at: line.at_ms, turn: line.turn, line })),
    ...call.tool_list.map((/** @type {any} */ tool) => ({ at: tool.at_ms, turn: tool.turn, tool })),
  ];
  // A caller's line may not know its turn: it is of the words that answer it.
  let turn = Infinity;
  for (const part of [...parts].sort((one, other) => other.at - one.at)) {
    if (part.turn === null || part.turn === undefined) part.turn = turn;
    else turn = part.turn;
  }
  parts.sort((one, other) => (one.turn === other.turn ? 0 : one.turn - other.turn) || one.at - other.at);
  const found = new Map();
  for (const part of parts) found.set(part.turn, [...(found.get(part.turn) ?? []), part]);
  return found;
}

/**
 * @param {any} turn
 * @param {number} scale
 */
function answered(turn, scale) {
  const { stages } = turn;
  const known = STAGES.filter(({ name }) => stages[name] !== null && stages[name] !== undefined);
  if (known.length === 0) return h("div", { class: "answered" });
  const bar = drawn(stages, scale, STAGES);
  bar.setAttribute("aria-hidden", "true");
  return h(
    "div",
    { class: "answered" },
    h(
      "p",
      { class: "heard-after" },
      unseen("Answered after "),
      millis(stages.heard ?? stages.first_sound ?? stages.first_token),
    ),
    bar,
    h(
      "dl",
      { class: "stages" },
      known.map(({ name, label }) =>
        h("div", { "data-stage": name }, h("dt", {}, label), h("dd", {}, String(stages[name]))),
      ),
    ),
  );
}

/** @param {number} scale */
function legend(scale) {
  return h("span", {}, `ms after the caller's last word; bars are ${scale / 1000} s wide`);
}
