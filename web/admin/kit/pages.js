/** The rest of a long list, a page at a time. */

import { get } from "./api.js";
import { h } from "./dom.js";
import { sayTrouble } from "./news.js";
import { addRows } from "./table.js";

/**
 * A button below a table that adds the next page to it; null: all of it is there.
 *
 * @template Row
 * @param {HTMLTableElement} made
 * @param {Array<import("./table.js").Column<Row>>} columns
 * @param {string} path
 * @param {Record<string, any>} query
 * @param {string | null} cursor
 * @param {{what?: string, each?: (line: HTMLTableRowElement, row: Row) => void}} [more]
 * @returns {HTMLElement | null}
 */
export function longer(made, columns, path, query, cursor, { what = "More", each = () => {} } = {}) {
  if (!cursor) return null;
  let next = /** @type {string | null} */ (cursor);
  const button = /** @type {HTMLButtonElement} */ (h("button", { type: "button", class: "button" }, what));
  const foot = h("div", { class: "more-rows" }, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await get(path, { ...query, cursor: next });
      const first = made.tBodies[0].rows.length;
      addRows(made, columns, answer.items, each);
      next = answer.next;
      if (!next) foot.remove();
      // Who goes by keys goes on at the first new row.
      const link = /** @type {HTMLElement | null} */ (made.tBodies[0].rows[first]?.querySelector("a, button"));
      if (link && (!next || document.activeElement === document.body)) link.focus();
    } catch (error) {
      sayTrouble(error);
    } finally {
      button.disabled = false;
    }
  });
  return foot;
}
