/** Percentiles side by side: half of all within the dark part, 95 of a hundred within the light one. */

import { s } from "../kit/dom.js";
import { every, rules } from "./scale.js";

const ROW = 32;
const PER_RULE = 70;
const LEFT = 96;
const RIGHT = 16;
const FOOT = 20;

/**
 * @param {number} width
 * @param {string} label
 * @param {Array<{name: string, stage: string, p50: number, p95: number, p99: number, title: string}>} rows
 * @param {(figure: number) => string} written
 * @returns {SVGElement}
 */
export function spans(width, label, rows, written) {
  const height = rows.length * ROW + FOOT;
  const svg = s("svg", {
    class: "chart",
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": label,
  });
  const { top, steps } = rules(Math.max(0, ...rows.map(({ p99 }) => p99)), 5);
  const x = (/** @type {number} */ figure) => LEFT + ((width - LEFT - RIGHT) * figure) / top;
  const skip = every(steps.length, Math.max(1, Math.floor((width - LEFT) / PER_RULE)));
  steps.forEach((at, place) => {
    svg.append(s("line", { class: "rule", x1: x(at), x2: x(at), y1: 0, y2: height - FOOT }));
    if (place % skip === 0) svg.append(s("text", { x: x(at), y: height - 4, "text-anchor": "middle" }, written(at)));
  });
  rows.forEach(({ name, stage, p50, p95, p99, title }, place) => {
    const y = place * ROW;
    svg.append(
      s("text", { x: LEFT - 10, y: y + ROW / 2 + 4, "text-anchor": "end" }, name),
      s(
        "g",
        { "data-stage": stage },
        s("title", {}, title),
        s("rect", { class: "span", x: x(0), y: y + 9, width: x(p95) - x(0), height: ROW - 18, rx: 3 }),
        s("rect", { class: "middle", x: x(0), y: y + 9, width: x(p50) - x(0), height: ROW - 18, rx: 3 }),
        s("rect", { class: "mark", x: x(p99) - 1, y: y + 7, width: 2, height: ROW - 14 }),
      ),
    );
  });
  return svg;
}
