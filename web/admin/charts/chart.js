/** What every chart has: a field with rules and their figures, and words for those who do not see it. */

import { s } from "../kit/dom.js";
import { every, rules } from "./scale.js";

const HEIGHT = 200;
const PER_NAME = 58;
const LEFT = 46;
const BOTTOM = 22;
const TOP = 8;

/**
 * @typedef {object} Field
 * @property {SVGElement} svg
 * @property {(place: number) => number} x middle of a place
 * @property {(figure: number) => number} y
 * @property {number} step width of a place
 * @property {number} floor
 */

/**
 * @param {number} width px; its words are as large on every screen
 * @param {string} label what it shows, in a sentence
 * @param {string[]} names of the places from left to right
 * @param {number} highest figure
 * @param {(figure: number) => string} written
 * @returns {Field}
 */
export function field(width, label, names, highest, written) {
  const svg = s("svg", {
    class: "chart",
    width,
    height: HEIGHT,
    viewBox: `0 0 ${width} ${HEIGHT}`,
    role: "img",
    "aria-label": label,
  });
  const { top, steps } = rules(highest);
  const floor = HEIGHT - BOTTOM;
  const y = (/** @type {number} */ figure) => floor - ((floor - TOP) * figure) / top;
  const step = (width - LEFT) / Math.max(1, names.length);
  const x = (/** @type {number} */ place) => LEFT + step * (place + 0.5);
  for (const at of steps) {
    svg.append(
      s("line", { class: "rule", x1: LEFT, x2: width, y1: y(at), y2: y(at) }),
      s("text", { x: LEFT - 8, y: y(at) + 4, "text-anchor": "end" }, written(at)),
    );
  }
  const skip = every(names.length, Math.max(1, Math.floor((width - LEFT) / PER_NAME)));
  names.forEach((name, place) => {
    if (place % skip) return;
    svg.append(s("text", { x: x(place), y: HEIGHT - 6, "text-anchor": "middle" }, name));
  });
  return { svg, x, y, step, floor };
}

/**
 * Where the mouse is, the figures of that place.
 *
 * @param {Field} on
 * @param {number} count
 * @param {(place: number) => string} title
 */
export function hovered(on, count, title) {
  for (let place = 0; place < count; place += 1) {
    on.svg.append(
      s(
        "rect",
        { class: "slot", x: on.x(place) - on.step / 2, y: TOP, width: on.step, height: on.floor - TOP },
        s("title", {}, title(place)),
      ),
    );
  }
}
