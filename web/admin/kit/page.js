/** What pages have in common: a head with its buttons, and panels. */

import { h, id } from "./dom.js";

/**
 * @param {string} title
 * @param {{beside?: import("./dom.js").Child, right?: import("./dom.js").Child[]}} [more]
 */
export function head(title, { beside = null, right = [] } = {}) {
  return h(
    "header",
    { class: "head" },
    h("h1", {}, title),
    beside && h("span", { class: "beside" }, beside),
    right.length > 0 && h("div", { class: "right" }, right),
  );
}

/**
 * @param {string} title
 * @param {import("./dom.js").Child | import("./dom.js").Child[]} body
 * @param {{note?: import("./dom.js").Child | import("./dom.js").Child[], right?: import("./dom.js").Child[], className?: string}} [more]
 */
export function panel(title, body, { note = null, right = [], className = "" } = {}) {
  const heading = id();
  return h(
    "section",
    { class: `panel ${className}`, "aria-labelledby": heading },
    h(
      "header",
      {},
      h("h2", { id: heading }, title),
      note && h("span", { class: "note" }, note),
      right.length > 0 && h("div", { class: "right" }, right),
    ),
    body,
  );
}

/** @param {...(import("./dom.js").Child | import("./dom.js").Child[])} children */
export function inside(...children) {
  return h("div", { class: "inside" }, ...children);
}

/**
 * Figures in a row.
 *
 * @param {Array<[string, import("./dom.js").Child, string?]>} pairs name, figure and a class for it
 */
export function figures(pairs) {
  return h(
    "dl",
    { class: "figures" },
    pairs.map(([name, value, className]) =>
      h("div", {}, h("dt", {}, name), h("dd", { class: className ?? null }, value)),
    ),
  );
}

/** @param {Array<[string, import("./dom.js").Child | import("./dom.js").Child[]]>} rows */
export function pairs(rows) {
  return h("dl", { class: "pairs" }, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]).flat());
}

/**
 * One of a few, by buttons.
 *
 * @param {string} label
 * @param {Array<[string, string]>} choices
 * @param {string} chosen
 * @param {(choice: string) => void} choose
 */
export function tabs(label, choices, chosen, choose) {
  const made = h("div", { class: "tabs", role: "group", "aria-label": label });
  for (const [key, text] of choices) {
    made.append(
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(key === chosen),
          onclick: () => {
            for (const each of made.children) each.setAttribute("aria-pressed", String(each === button(key)));
            choose(key);
          },
          "data-key": key,
        },
        text,
      ),
    );
  }
  const button = (/** @type {string} */ key) => made.querySelector(`[data-key="${CSS.escape(key)}"]`);
  return made;
}
