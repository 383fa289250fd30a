/** The softphone's time line, for a call of somebody else. */

import { Timeline } from "../../../timeline.js";
import { h, id } from "../../kit/dom.js";

/** @returns {{figure: HTMLElement, moment: (moment: any) => void, close: () => void}} */
export function timeline() {
  const title = id();
  const parts = {
    caller: h("div", { class: "lane caller" }),
    agent: h("div", { class: "lane agent" }),
    axis: h("div", { class: "axis" }),
    latest: h("span", { class: "latest", "aria-hidden": "true" }),
    told: h("ol", { class: "unseen", "aria-label": "Pauses and interruptions" }),
  };
  const figure = h(
    "figure",
    { class: "timeline", "aria-labelledby": title, hidden: true },
    h(
      "figcaption",
      {},
      h("span", { id: title, class: "timeline-title" }, "Last minute"),
      h(
        "span",
        { class: "legend", "aria-hidden": "true" },
        h("span", {}, h("i", { class: "held" }), "paused"),
        h("span", {}, h("i", { class: "cut" }), "interrupted"),
      ),
      parts.latest,
    ),
    h(
      "div",
      { class: "lanes", "aria-hidden": "true" },
      h("span", { class: "lane-name" }, "Caller"),
      parts.caller,
      h("span", { class: "lane-name" }, "Agent"),
      parts.agent,
      parts.axis,
    ),
    parts.told,
  );
  const line = new Timeline(figure, parts, "the caller");
  line.begin();
  let synced = false;
  return {
    figure,
    moment: (moment) => {
      // The service's clock stands for the page's from the first moment on.
      if (!synced) line.sync(moment.at_ms);
      synced = true;
      line.moment(moment);
    },
    close: () => line.end(),
  };
}
