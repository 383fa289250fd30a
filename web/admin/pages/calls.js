/** Every call on record: found by words, number, agent, outcome, time; a page at a time. */

import { address, get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { icon } from "../kit/icons.js";
import { head } from "../kit/page.js";
import { longer } from "../kit/pages.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";
import { COLUMNS, leads } from "./calls/columns.js";
import { filters } from "./calls/filters.js";

const PAGE = 50;

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export function open(page, here) {
  const rows = h("div");
  const downloads = h("span", { class: "right" });
  const news = h("p", { class: "unseen", role: "status" });
  let asking = 0;
  let asked = Object.fromEntries(here.query);

  /** @param {Record<string, string>} wanted */
  async function search(wanted) {
    asked = wanted;
    asking += 1;
    const mine = asking;
    history.replaceState(null, "", address("/admin/calls", wanted));
    fill(downloads, exported(wanted));
    await shown(
      rows,
      "the calls",
      () => get("/api/call-logs", { ...wanted, limit: PAGE }),
      (answer) => {
        if (mine !== asking) return [...rows.childNodes];
        news.textContent = answer.items.length
          ? `${answer.items.length} calls${answer.next ? " and more" : ""}`
          : "No calls";
        return list(answer, wanted);
      },
    );
  }

  /**
   * @param {{items: any[], next: string | null}} answer
   * @param {Record<string, string>} wanted
   */
  function list(answer, wanted) {
    if (answer.items.length === 0) {
      return Object.keys(wanted).length
        ? empty(
            "No call fits",
            "Take a filter away, or look further back.",
            h("button", { type: "button", class: "button", onclick: () => here.go("/admin/calls") }, "All calls"),
          )
        : empty(
            "No call yet",
            "Calls are listed here from their first second on. Ring one of your numbers, or call from the softphone page.",
          );
    }
    const made = table("Calls, newest first", COLUMNS, answer.items, { each: leads });
    const query = { ...wanted, limit: PAGE };
    return [made, longer(made, COLUMNS, "/api/call-logs", query, answer.next, { what: "More calls", each: leads })];
  }

  fill(
    page,
    head("Calls", { right: [downloads] }),
    h(
      "section",
      { class: "panel", "aria-label": "Calls" },
      filters(asked, may(here.who, "supervisor"), search),
      rows,
      news,
    ),
  );
  search(asked);
  return { title: "Calls" };
}

/** @param {Record<string, string>} wanted */
function exported(wanted) {
  return ["csv", "json"].map((format) =>
    h(
      "a",
      { class: "button", download: true, href: address("/api/call-logs/export", { ...wanted, format }) },
      icon("down"),
      format.toUpperCase(),
    ),
  );
}
