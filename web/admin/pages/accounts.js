/** Who may log in, and which machines may ask. */

import { fill, h } from "../kit/dom.js";
import { head } from "../kit/page.js";
import { noRight } from "../kit/states.js";
import { may } from "../who.js";
import { keys } from "./accounts/keys.js";
import { own } from "./accounts/own.js";
import { people } from "./accounts/people.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  fill(page, head("Accounts"));
  page.append(own(here.who));
  if (may(here.who, "admin")) page.append(await people(here.who), await keys());
  else page.append(h("div", { class: "panel" }, noRight("admin")));
  return { title: "Accounts" };
}
