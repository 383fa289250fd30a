/** The console: one page after the other in the same frame, each at an address of its own. */

import { gate, post } from "./kit/api.js";
import { fill } from "./kit/dom.js";
import { sayTrouble } from "./kit/news.js";
import { head } from "./kit/page.js";
import { empty, failed, loading } from "./kit/states.js";
import { Nav } from "./nav.js";
import { open as openDoor } from "./pages/door.js";
import { found } from "./places.js";
import { whoIsHere } from "./who.js";

class Console {
  constructor() {
    this._page = /** @type {HTMLElement} */ (document.getElementById("page"));
    this._nav = new Nav({ leave: () => this._leave() });
    /** @type {import("./who.js").Who | null} */
    this._who = null;
    this._visit = 0;
    /** @type {() => void} */
    this._close = () => {};
    gate.closed = () => this._who && this._lock();
    window.addEventListener("popstate", () => this._show());
    document.addEventListener("click", (event) => this._clicked(event));
    document.querySelector(".skip")?.addEventListener("click", (event) => {
      event.preventDefault();
      this._page.focus();
    });
  }

  async begin() {
    fill(this._page, loading("the console"));
    try {
      this._who = await whoIsHere();
    } catch (error) {
      fill(
        this._page,
        failed(error, () => this.begin()),
      );
      return;
    }
    this._nav.show(this._who);
    await this._show();
  }

  /**
   * @param {string} path
   * @param {boolean} [replace] not a step that one goes back to
   */
  go(path, replace = false) {
    if (replace) history.replaceState(null, "", path);
    else history.pushState(null, "", path);
    this._show();
  }

  async _show() {
    this._visit += 1;
    const visit = this._visit;
    this._close();
    this._close = () => {};
    if (!this._who) return openDoor(this._page, () => this.begin());
    const there = found(location.pathname);
    const place = document.createElement("div");
    place.className = "place";
    this._page.replaceChildren(place);
    window.scrollTo(0, 0);
    if (!there) {
      document.title = "Nothing here · Parley";
      place.dataset.opened = "";
      return fill(place, head("Nothing here"), empty("There is no such page", "Choose one from the list."));
    }
    this._nav.mark(there.place.under);
    const here = {
      params: there.params,
      query: new URLSearchParams(location.search),
      who: this._who,
      go: (/** @type {string} */ path, replace = false) => this.go(path, replace),
    };
    try {
      const page = await there.place.load();
      if (visit !== this._visit) return;
      const opened = await page.open(place, here);
      if (visit !== this._visit) return opened.close?.();
      document.title = `${opened.title} · Parley`;
      this._close = opened.close ?? (() => {});
      place.dataset.opened = "";
    } catch (error) {
      if (visit === this._visit)
        fill(
          place,
          failed(error, () => this._show()),
        );
    }
  }

  /** Nobody is logged in any more: the page comes back after a login. */
  _lock() {
    this._who = null;
    this._nav.show(null);
    this._show();
  }

  async _leave() {
    try {
      await post("/api/session/leave");
    } catch (error) {
      return sayTrouble(error);
    }
    return this._lock();
  }

  /** @param {MouseEvent} event a link to another page of the console is followed in this one */
  _clicked(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute("download") || link.hash) return;
    if (!found(link.pathname)) return;
    event.preventDefault();
    if (link.pathname + link.search === location.pathname + location.search) this._show();
    else this.go(link.pathname + link.search);
    this._page.focus({ preventScroll: true });
  }
}

new Console().begin();
