/** Events that a watcher or a webhook has given up on: tried again, or dropped. */

import { change, get, post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { moment, plural, whole } from "../../kit/format.js";
import { say, sayTrouble } from "../../kit/news.js";
import { panel } from "../../kit/page.js";
import { longer } from "../../kit/pages.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

/** @type {Record<string, string>} */
const WHAT = { event: "watcher", webhook: "webhook" };

/**
 * @param {HTMLElement} body
 * @param {boolean} admin
 */
export function letters(body, admin) {
  const load = () =>
    shown(
      body,
      "the dead letters",
      () => get("/api/dead-letters"),
      (told) => {
        if (told.items.length === 0) {
          return panel(
            "Dead letters",
            empty(
              "Nothing was given up on",
              "An event that a watcher or a webhook failed on again and again stands here, to be tried once more or dropped.",
            ),
          );
        }
        const its = columns(admin, load);
        const made = table("Dead letters, oldest first", its, told.items);
        return panel("Dead letters", [made, longer(made, its, "/api/dead-letters", {}, told.next)], {
          note: "kept for 30 days",
        });
      },
    );
  return load();
}

/**
 * @param {boolean} admin
 * @param {() => void} load
 * @returns {Array<import("../../kit/table.js").Column<any>>}
 */
function columns(admin, load) {
  return [
    {
      head: "Of",
      cell: (each) => [
        h("span", { class: "main" }, each.host || each.of),
        h("span", { class: "under" }, `${WHAT[each.what] ?? each.what}: ${each.kinds.join(", ")}`),
      ],
    },
    { head: "Why", cell: (each) => h("span", { class: "bad" }, each.error) },
    {
      head: "Call",
      cell: (each) =>
        each.call_id &&
        h("a", { href: `/admin/calls/${encodeURIComponent(each.call_id)}` }, h("code", {}, each.call_id)),
    },
    {
      head: "Given up",
      className: "tight named",
      cell: (each) => [
        h("time", { title: whole(each.at) }, moment(each.at)),
        h("span", { class: "under" }, plural(each.tries, "try", "tries")),
      ],
    },
    {
      head: "Do",
      quiet: true,
      className: "actions",
      cell: (each) =>
        admin && [
          h(
            "button",
            {
              type: "button",
              class: "button",
              "aria-label": `Try again: ${each.id}`,
              onclick: () => again(each, load),
            },
            "Try again",
          ),
          " ",
          h(
            "button",
            {
              type: "button",
              class: "button danger",
              "aria-label": `Drop: ${each.id}`,
              onclick: () => drop(each, load),
            },
            "Drop",
          ),
        ],
    },
  ];
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function again(each, load) {
  try {
    await post(`/api/dead-letters/${encodeURIComponent(each.id)}/retry`);
    say("It is tried again.");
    load();
  } catch (error) {
    sayTrouble(error);
  }
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function drop(each, load) {
  const done = await asked({
    title: "Drop this letter?",
    body: [h("p", {}, `${each.host || each.of} will never be told of it. The event itself stays in the record of the call.`)],
    yes: "Drop",
    danger: true,
    act: () => change("DELETE", `/api/dead-letters/${encodeURIComponent(each.id)}`),
  });
  if (done) load();
}
