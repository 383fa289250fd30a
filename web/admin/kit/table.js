/** Tables. On a narrow screen each row becomes a small card of its own; a screen reader has a table in both. */

import { append, h, unseen } from "./dom.js";

/**
 * @template Row
 * @typedef {object} Column
 * @property {string} head
 * @property {(row: Row) => import("./dom.js").Child | import("./dom.js").Child[]} cell
 * @property {boolean} [figure] stands at the right, its digits under each other
 * @property {boolean} [minor] left out on a narrow screen
 * @property {boolean} [quiet] its head is for screen readers only
 * @property {string} [className]
 */

/**
 * The first column names the row.
 *
 * @template Row
 * @param {string} caption read out, not seen
 * @param {Array<Column<Row>>} columns
 * @param {Row[]} rows
 * @param {{each?: (line: HTMLTableRowElement, row: Row) => void, plain?: boolean, className?: string}} [more] `plain`:
 *        stays a table on a narrow screen
 * @returns {HTMLTableElement}
 */
export function table(caption, columns, rows, { each = () => {}, plain = false, className = "" } = {}) {
  const head = h("tr", { role: "row" });
  for (const column of columns) {
    head.append(
      h(
        "th",
        { scope: "col", role: "columnheader", class: kind(column) },
        column.quiet ? unseen(column.head) : column.head,
      ),
    );
  }
  const made = /** @type {HTMLTableElement} */ (
    h(
      "table",
      { class: `table${plain ? "" : " stacked"} ${className}`.trimEnd(), role: "table" },
      h("caption", { class: "unseen" }, caption),
      h("thead", { role: "rowgroup" }, head),
      h("tbody", { role: "rowgroup" }),
    )
  );
  addRows(made, columns, rows, each);
  return made;
}

/**
 * @template Row
 * @param {HTMLTableElement} made
 * @param {Array<Column<Row>>} columns
 * @param {Row[]} rows
 * @param {(line: HTMLTableRowElement, row: Row) => void} [each]
 */
export function addRows(made, columns, rows, each = () => {}) {
  for (const row of rows) made.tBodies[0].append(line(columns, row, each));
}

/**
 * @template Row
 * @param {Array<Column<Row>>} columns
 * @param {Row} row
 * @param {(line: HTMLTableRowElement, row: Row) => void} [each]
 * @returns {HTMLTableRowElement}
 */
export function line(columns, row, each = () => {}) {
  const made = /** @type {HTMLTableRowElement} */ (h("tr", { role: "row" }));
  columns.forEach((column, place) => {
    const first = place === 0;
    const cell = h(first ? "th" : "td", {
      class: kind(column),
      scope: first ? "row" : null,
      role: first ? "rowheader" : "cell",
      "data-head": first || column.quiet ? null : column.head,
    });
    append(cell, [column.cell(row)]);
    made.append(cell);
  });
  each(made, row);
  return made;
}

/**
 * A wide table that is moved sideways, by keys too.
 *
 * @param {string} label
 * @param {HTMLElement} wide
 */
export function sideways(label, wide) {
  return h("div", { class: "sideways", role: "region", "aria-label": `${label}: all columns`, tabindex: "0" }, wide);
}

/** @param {Column<any>} column */
function kind(column) {
  return [column.figure && "figure", column.minor && "minor", column.className].filter(Boolean).join(" ") || null;
}
