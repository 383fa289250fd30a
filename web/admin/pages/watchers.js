/** What follows the calls beside them: what it failed on, who is told of calls, and the audit. */

import { fill, h } from "../kit/dom.js";
import { head, tabs } from "../kit/page.js";
import { may } from "../who.js";
import { audit } from "./watchers/audit.js";
import { letters } from "./watchers/letters.js";
import { webhooks } from "./watchers/webhooks.js";

/** @type {Array<[string, string]>} */
const PARTS = [
  ["letters", "Dead letters"],
  ["webhooks", "Webhooks"],
  ["audit", "Audit"],
];

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const shows = here.query.get("show") ?? "letters";
  const choose = (/** @type {string} */ what) => {
    history.replaceState(null, "", `/admin/watchers${what === "letters" ? "" : `?show=${what}`}`);
    if (what === "audit") return audit(body);
    return what === "webhooks" ? webhooks(body) : letters(body, may(here.who, "admin"));
  };
  fill(page, head("Watchers", { right: [tabs("What to show", PARTS, shows, choose)] }), body);
  await choose(shows);
  return { title: "Watchers" };
}
