/** What this installation has and has not: each capability, the test that proves it, the setting that turns it on. */

import { get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { input } from "../kit/forms.js";
import { moment, plural, whole } from "../kit/format.js";
import { head, panel } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";

/** @type {Record<string, [string, string]>} */
const STATES = {
  proven: ["good", "Proven"],
  unproven: ["warn", "Unproven"],
  missing: ["bad", "Not there"],
  off: ["", "Turned off"],
};

/** @param {HTMLElement} page */
export async function open(page) {
  const body = h("div");
  const beside = h("span", { role: "status" });
  const search = input("search", {
    type: "search",
    placeholder: "Find a capability",
    "aria-label": "Find a capability",
  });
  fill(page, head("Tracker", { beside, right: [h("div", { class: "inline one" }, search)] }), body);
  await shown(
    body,
    "the capabilities",
    () => get("/api/tracker"),
    (told) => {
      const { items } = told;
      if (items.length === 0)
        return h(
          "div",
          { class: "panel" },
          empty("No capability is listed", "The file of capabilities is empty or missing in this version."),
        );
      const proven = items.filter((/** @type {any} */ each) => each.state === "proven").length;
      const when = told.checked_at
        ? [
            " by the run of ",
            h("time", { title: whole(told.checked_at) }, moment(told.checked_at)),
            told.commit && ` at ${told.commit}`,
          ]
        : [": no whole run of the tests is known here; make test makes one"];
      fill(beside, `${proven} of ${plural(items.length, "capability", "capabilities")} proven`, when);
      /** @type {Map<string, any[]>} */
      const groups = new Map();
      for (const each of items)
        groups.set(each.group ?? "Capabilities", [...(groups.get(each.group ?? "Capabilities") ?? []), each]);
      return [...groups].map(([title, its]) =>
        panel(
          title,
          table(
            title,
            [
              {
                head: "Capability",
                cell: (each) => [h("span", { class: "main" }, each.title), h("span", { class: "under" }, each.about)],
              },
              {
                head: "State",
                className: "tight lead",
                cell: (each) => pill(each.state, ...(STATES[each.state] ?? ["warn", each.state])),
              },
              {
                head: "Proven by",
                cell: (each) =>
                  each.tests.map((/** @type {string} */ test) =>
                    h(
                      "span",
                      { class: "line-of" },
                      h("code", {}, test),
                      each.missing.includes(test) && h("span", { class: "note" }, " not passed"),
                    ),
                  ),
              },
              { head: "Turned on by", cell: (each) => each.setting && h("code", {}, each.setting) },
            ],
            its,
            {
              className: "capabilities",
              each: (row, each) =>
                (row.dataset.search = `${each.title} ${each.name} ${each.about} ${each.setting}`.toLowerCase()),
            },
          ),
          { note: plural(its.length, "capability", "capabilities") },
        ),
      );
    },
  );
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    for (const part of body.querySelectorAll(".panel")) {
      const rows = /** @type {HTMLElement[]} */ ([...part.querySelectorAll("[data-search]")]);
      for (const row of rows) row.hidden = !row.dataset.search?.includes(words);
      /** @type {HTMLElement} */ (part).hidden = rows.length > 0 && rows.every((row) => row.hidden);
    }
  });
  return { title: "Tracker" };
}
