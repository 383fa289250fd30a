/** One or two figures over time. A place without a figure is a gap. */

import { s } from "../kit/dom.js";
import { field, hovered } from "./chart.js";

/**
 * @param {number} width
 * @param {string} label
 * @param {Array<{name: string, first: number | null, second?: number | null, title: string}>} places
 * @param {(figure: number) => string} written
 * @returns {SVGElement}
 */
export function curves(width, label, places, written) {
  const all = places.flatMap(({ first, second }) => [first ?? 0, second ?? 0]);
  const on = field(
    width,
    label,
    places.map(({ name }) => name),
    Math.max(0, ...all),
    written,
  );
  line(
    on,
    places.map(({ second }) => second ?? null),
    " second",
  );
  line(
    on,
    places.map(({ first }) => first),
    "",
  );
  hovered(on, places.length, (place) => places[place].title);
  return on.svg;
}

/**
 * @param {import("./chart.js").Field} on
 * @param {Array<number | null>} figures
 * @param {string} kind
 */
function line(on, figures, kind) {
  let path = "";
  let pen = "M";
  figures.forEach((figure, place) => {
    if (figure === null) {
      pen = "M";
      return;
    }
    path += `${pen}${on.x(place).toFixed(1)} ${on.y(figure).toFixed(1)}`;
    pen = "L";
    const lonely = (figures[place - 1] ?? null) === null && (figures[place + 1] ?? null) === null;
    if (lonely || figures.length <= 31)
      on.svg.append(s("circle", { class: `dot${kind}`, cx: on.x(place), cy: on.y(figure), r: 2.5 }));
  });
  if (path) on.svg.append(s("path", { class: `curve${kind}`, d: path }));
}
