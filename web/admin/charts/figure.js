/** A chart in its panel, with the table behind it a button away. */

import { fill, h } from "../kit/dom.js";
import { inside, panel } from "../kit/page.js";
import { sideways } from "../kit/table.js";

/**
 * @param {string} title
 * @param {(width: number) => SVGElement} draw again at each other width, so that words stay as large as they are
 * @param {() => HTMLElement} table drawn when it is asked for
 * @param {Array<[string, string]>} [key] kind of line, and what it stands for
 */
export function figure(title, draw, table, key = []) {
  const drawing = h("div", { class: "drawing" });
  const place = inside(drawing, names(key));
  let width = 0;
  new ResizeObserver(() => {
    const now = Math.floor(drawing.clientWidth);
    if (now === width || now === 0) return;
    width = now;
    fill(drawing, draw(width));
  }).observe(drawing);
  const button = h(
    "button",
    {
      type: "button",
      class: "button small",
      "aria-pressed": "false",
      "aria-label": `${title}: as a table`,
      onclick: () => {
        const figures = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", String(figures));
        if (figures) fill(place, sideways(title, table()));
        else fill(place, drawing, names(key));
        place.classList.toggle("inside", !figures);
      },
    },
    "Table",
  );
  return panel(title, place, { right: [button], className: "chart-panel" });
}

/** @param {Array<[string, string]>} key */
function names(key) {
  if (key.length === 0) return null;
  return h(
    "p",
    { class: "key", "aria-hidden": "true" },
    key.map(([kind, text]) => h("span", {}, h("i", { class: kind }), text)),
  );
}
