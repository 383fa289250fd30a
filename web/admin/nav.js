/** The list of pages, who is logged in below it, and the button that opens it on a telephone. */

import { fill, h } from "./kit/dom.js";
import { icon } from "./kit/icons.js";
import { GROUPS } from "./places.js";

export class Nav {
  /** @param {{leave: () => void}} does */
  constructor({ leave }) {
    this._console = find("console");
    this._nav = find("nav");
    this._menu = find("menu");
    this._leave = leave;
    this._menu.append(icon("menu"));
    this._menu.addEventListener("click", () => this._set(this._console.dataset.menu !== "open"));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this._console.dataset.menu !== "open") return;
      this._set(false);
      this._menu.focus();
    });
  }

  /** @param {import("./who.js").Who | null} who */
  show(who) {
    this._console.dataset.who = who ? "somebody" : "nobody";
    if (!who) return fill(this._nav);
    return fill(
      this._nav,
      h(
        "a",
        { class: "brand", href: "/admin" },
        h("img", { src: "/admin/files/icon.svg", alt: "", width: 24, height: 24 }),
        "Parley",
      ),
      GROUPS.map(({ title, entries }) =>
        h(
          "section",
          {},
          h("h2", {}, title),
          h(
            "ul",
            {},
            entries.map((entry) =>
              h("li", {}, h("a", { href: entry.path }, icon(/** @type {any} */ (entry.icon)), entry.title)),
            ),
          ),
        ),
      ),
      h(
        "div",
        { class: "me" },
        h("span", { class: "name" }, who.name),
        h("span", { class: "role" }, who.role),
        h(
          "button",
          { type: "button", class: "plain", "aria-label": "Log out", title: "Log out", onclick: this._leave },
          icon("out"),
        ),
      ),
    );
  }

  /** @param {string} path of the entry that is open */
  mark(path) {
    for (const link of this._nav.querySelectorAll("li a")) {
      if (link.getAttribute("href") === path) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    this._set(false);
  }

  /** @param {boolean} open */
  _set(open) {
    this._console.dataset.menu = open ? "open" : "closed";
    this._menu.setAttribute("aria-expanded", String(open));
    this._menu.replaceChildren(icon(open ? "close" : "menu"));
  }
}

/** @param {string} name */
function find(name) {
  return /** @type {HTMLElement} */ (document.getElementById(name));
}
