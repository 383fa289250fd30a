/** Calls that are up: who speaks, how it goes, what it costs; one of them open beside the list. */

import { get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { Feed } from "../kit/feed.js";
import { plural } from "../kit/format.js";
import { head } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, failed, loading } from "../kit/states.js";
import { CallList } from "./live/list.js";
import { LiveCall } from "./live/call.js";

const LINES = {
  connecting: ["wait", "Connecting"],
  live: ["good", "Live"],
  lost: ["bad", "Connection lost, trying again"],
};

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export function open(page, here) {
  const chosen = here.params.id ?? "";
  const beside = h("span", { role: "status" });
  const line = h("span");
  const list = h("section", { class: "panel list", "aria-label": "Calls that are up" }, loading("the calls"));
  const detail = h("section", { class: "open", "aria-label": "The call that is open" });
  const calls = new CallList(chosen);
  const opened = chosen ? new LiveCall(detail, chosen, here) : null;
  let known = false;
  let more = 0;

  /** Draws the list, or what stands in its place. */
  function draw() {
    if (!known) return;
    fill(beside, calls.size ? `${plural(calls.size + more, "call")} up` : "No call is up");
    if (calls.size && list.firstChild !== calls.table) fill(list, calls.table);
    else if (!calls.size) {
      fill(
        list,
        empty(
          "Nobody is calling right now",
          "A call appears here the moment it begins. Try one from the softphone page, or ring one of your numbers.",
          h("a", { class: "button", href: "/admin/calls" }, "Earlier calls"),
        ),
      );
    }
  }

  /** A stream does not say why it was refused; the list does. */
  async function why() {
    try {
      const { items } = await get("/api/active-calls");
      if (known) return;
      known = true;
      calls.all(items);
      draw();
    } catch (error) {
      if (!known) fill(list, failed(error));
    }
  }

  const feed = new Feed(
    "/api/live",
    {
      snapshot: (told) => {
        known = true;
        more = told.more ?? 0;
        calls.all(told.calls);
        draw();
      },
      call: (call) => {
        calls.put(call);
        draw();
      },
      gone: ({ call_id }) => {
        calls.gone(call_id);
        draw();
      },
    },
    (state) => {
      const [tone, text] = LINES[state];
      fill(line, pill(state, tone, text));
      if (state === "lost" && !known) why();
    },
  );
  fill(
    page,
    head("Live", { beside, right: [line] }),
    h("div", { class: `split${chosen ? " has-open" : ""}` }, list, chosen && detail),
  );
  const ticking = setInterval(() => calls.tick(), 1000);
  return {
    title: chosen ? "Call" : "Live",
    close: () => {
      clearInterval(ticking);
      feed.close();
      calls.close();
      opened?.close();
    },
  };
}
