/** The audit: what was done by whom, each entry chained to the one before. */

import { get } from "../../kit/api.js";
import { h } from "../../kit/dom.js";
import { moment, plural, whole } from "../../kit/format.js";
import { inside, panel } from "../../kit/page.js";
import { pill } from "../../kit/pills.js";
import { empty, shown } from "../../kit/states.js";
import { sideways, table } from "../../kit/table.js";

/**
 * The audit: what was done by whom, each entry chained to the one before.
 *
 * @param {HTMLElement} body
 */
export function audit(body) {
  return shown(
    body,
    "the audit",
    () => get("/api/audit", { limit: 100 }),
    (told) => [
      panel(
        "Audit",
        [
          inside(verdict()),
          told.items.length === 0
            ? empty("Nothing is in the audit yet", "Logins, changes and calls stand here from now on.")
            : sideways(
                "Audit",
                table(
                  "Entries, newest first",
                  [
                    {
                      head: "When",
                      className: "tight",
                      cell: (each) =>
                        h("time", { title: whole(each.at ?? each.at_ms) }, moment(each.at ?? each.at_ms, true)),
                    },
                    { head: "Kind", cell: (each) => h("code", {}, each.kind) },
                    { head: "Who", cell: (each) => each.who ?? "" },
                    {
                      head: "What",
                      cell: (each) => [
                        each.subject ?? each.call_id ?? "",
                        each.detail &&
                          h(
                            "span",
                            { class: "under" },
                            typeof each.detail === "string" ? each.detail : JSON.stringify(each.detail),
                          ),
                      ],
                    },
                  ],
                  told.items,
                  { plain: true },
                ),
              ),
        ],
        { note: "append-only; each entry is chained to the one before" },
      ),
    ],
  );
}

/** Whether the chain holds, on request. */
function verdict() {
  const place = h("div", { class: "buttons" });
  const button = h(
    "button",
    {
      type: "button",
      class: "button",
      onclick: () =>
        shown(
          place,
          "the verdict",
          () => get("/api/audit/verify"),
          (told) =>
            (told.ok ?? told.holds)
              ? pill(
                  "pass",
                  "good",
                  `The chain holds: ${plural(told.entries ?? told.checked ?? 0, "entry", "entries")}`,
                )
              : [
                  pill("fail", "bad", `The chain is broken at entry ${told.broken ?? told.first_broken}`),
                  h("p", {}, told.why ?? "Compare with a backup: somebody changed what was written."),
                ],
        ),
    },
    "Check the chain",
  );
  place.append(button);
  return place;
}
