/** Events that a watcher or a webhook has given up on: tried again, or dropped. */

import { change, get, post } from "../../kit/api.js";
import { asked } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { moment, plural, whole } from "../../kit/format.js";
import { say, sayTrouble } from "../../kit/news.js";
import { panel } from "../../kit/page.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

/**
 * Events that a watcher has given up on.
 *
 * @param {HTMLElement} body
 * @param {boolean} admin
 */
export function letters(body, admin) {
  const load = () =>
    shown(
      body,
      "the dead letters",
      () => get("/api/dead-letters"),
      ({ items }) =>
        panel(
          "Dead letters",
          items.length === 0
            ? empty(
                "Nothing was given up on",
                "An event that a watcher or a webhook failed on five times stands here, to be tried again or dropped.",
              )
            : table(
                "Dead letters, newest first",
                [
                  {
                    head: "Watcher",
                    cell: (each) => [
                      h("span", { class: "main" }, each.watcher),
                      h("span", { class: "under" }, (each.kinds ?? []).join(", ")),
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
                    className: "tight",
                    cell: (each) => [
                      h("time", { title: whole(each.at ?? each.at_ms) }, moment(each.at ?? each.at_ms)),
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
                            "aria-label": `Try letter ${each.id} again`,
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
                            "aria-label": `Drop letter ${each.id}`,
                            onclick: () => drop(each, load),
                          },
                          "Drop",
                        ),
                      ],
                  },
                ],
                items,
              ),
          { note: "kept for 30 days" },
        ),
    );
  return load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function again(each, load) {
  try {
    await post(`/api/dead-letters/${encodeURIComponent(each.id)}/retry`);
    say(`${each.watcher} tries it again.`);
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
    body: [h("p", {}, `${each.watcher} will never be told of it. The event itself stays in the record of the call.`)],
    yes: "Drop",
    danger: true,
    act: () => change("DELETE", `/api/dead-letters/${encodeURIComponent(each.id)}`),
  });
  if (done) load();
}
