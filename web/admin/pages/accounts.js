/** Who may log in, and which machines may ask. */

import { fill, h } from "../kit/dom.js";
import { head } from "../kit/page.js";
import { noRight } from "../kit/states.js";
import { may, whoIsHere } from "../who.js";
import { keys } from "./accounts/keys.js";
import { own, sessions } from "./accounts/own.js";
import { people } from "./accounts/people.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const mine = h("div");
  /** Draws one's own account as it is now. */
  async function again() {
    const who = (await whoIsHere()) ?? here.who;
    fill(mine, own(who, again));
  }
  fill(mine, own(here.who, again));
  fill(page, head("Accounts"), mine);
  if (may(here.who, "admin")) page.append(people(here.who), keys());
  else page.append(h("div", { class: "panel" }, noRight("admin")));
  page.append(sessions());
  return { title: "Accounts" };
}
