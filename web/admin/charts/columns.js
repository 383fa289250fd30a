/** A column for each place; part of it may be of another kind. */

import { s } from "../kit/dom.js";
import { field, hovered } from "./chart.js";

const WIDEST = 34;

/**
 * @param {number} width
 * @param {string} label
 * @param {Array<{name: string, all: number, part?: number, title: string}>} places `part` of `all` stands below, darker
 * @param {(figure: number) => string} written
 * @returns {SVGElement}
 */
export function columns(width, label, places, written) {
  const on = field(
    width,
    label,
    places.map(({ name }) => name),
    Math.max(0, ...places.map(({ all }) => all)),
    written,
  );
  const wide = Math.min(WIDEST, on.step * 0.72);
  places.forEach(({ all, part }, place) => {
    const x = on.x(place) - wide / 2;
    const split = part !== undefined;
    if (all > 0) on.svg.append(column(x, on.y(all), wide, on.floor, split ? "column quiet" : "column"));
    if (split && part > 0) on.svg.append(column(x, on.y(part), wide, on.floor, "column"));
  });
  hovered(on, places.length, (place) => places[place].title);
  return on.svg;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} floor
 * @param {string} name
 */
function column(x, y, width, floor, name) {
  return s("rect", { class: name, x, y, width, height: Math.max(1, floor - y), rx: Math.min(2.5, width / 2) });
}
