/** Who changed what and when, and taking it back. */

import { post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { moment, whole } from "../../kit/format.js";
import { panel } from "../../kit/page.js";
import { empty } from "../../kit/states.js";
import { table } from "../../kit/table.js";

/**
 * @param {{items: any[], kept: number}} past
 * @param {boolean} admin
 * @param {() => void} done
 */
export function history(past, admin, done) {
  if (past.items.length === 0)
    return panel(
      "History",
      empty(
        "Nothing has been changed yet",
        "Each change is listed here, with who made it and why, and can be taken back.",
      ),
    );
  return panel(
    "History",
    table(
      "Changes, newest first",
      [
        {
          head: "What",
          cell: (each) =>
            [
              each.changes.map((/** @type {any} */ one) =>
                h(
                  "span",
                  { class: "line-of" },
                  h("code", {}, one.name),
                  " ",
                  h("span", { class: "note" }, one.before ?? "default", " → "),
                  one.after ?? "default",
                ),
              ),
              h("span", { class: "under" }, each.undoes ? `takes change ${each.undoes} back` : each.note),
            ].flat(),
        },
        { head: "Who", cell: (each) => each.who },
        {
          head: "When",
          className: "tight",
          cell: (each) => h("time", { title: whole(each.at * 1000) }, moment(each.at * 1000)),
        },
        {
          head: "Undo",
          quiet: true,
          className: "actions lead",
          cell: (each) =>
            admin &&
            h(
              "button",
              {
                type: "button",
                class: "button",
                "aria-label": `Undo change ${each.revision}`,
                onclick: () => undo(each, done),
              },
              "Undo",
            ),
        },
      ],
      past.items,
    ),
    { note: `the last ${past.kept} are kept` },
  );
}

/**
 * @param {any} each
 * @param {() => void} done
 */
async function undo(each, done) {
  const sure = await asked({
    title: "Take this change back?",
    body: [
      h(
        "p",
        {},
        `${each.changes.map((/** @type {any} */ one) => one.name).join(", ")} will be as before ${whole(each.at * 1000)}.`,
      ),
    ],
    yes: "Undo",
    act: () => post("/api/config/undo", { revision: each.revision }),
  });
  if (sure) done();
}
