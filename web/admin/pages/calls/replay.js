/** Whether the same inputs still lead to the same decisions: the call once more, without anybody calling. */

import { get } from "../../kit/api.js";
import { h } from "../../kit/dom.js";
import { count } from "../../kit/format.js";
import { inside, panel } from "../../kit/page.js";
import { pill } from "../../kit/pills.js";
import { shown } from "../../kit/states.js";

/** @type {Record<string, [string, string, string]>} */
const TOLD = {
  same: ["good", "The same", "Every decision comes out as it did in the call."],
  other: ["bad", "Decided otherwise", "This version would have gone another way in this call."],
  unknown: ["warn", "Cannot be told", ""],
};

/** @param {string} path */
export function replayPanel(path) {
  const place = inside(
    h(
      "p",
      { class: "note" },
      "Plays the call's inputs through the version that runs now, and compares what it decides.",
    ),
  );
  const button = h("button", { type: "button", class: "button", onclick: () => play() }, "Replay");

  /** Asks, and says what came of it. */
  function play() {
    return shown(
      place,
      "the verdict",
      () => get(`${path}/replay`),
      (verdict) => {
        const [tone, title, why] = TOLD[verdict.verdict] ?? TOLD.unknown;
        return [
          h("p", {}, pill(verdict.verdict, tone, title)),
          h("p", { class: "note" }, [why, verdict.why].filter(Boolean).join(" ")),
          h(
            "p",
            { class: "note" },
            `${count(verdict.compared)} of ${count(verdict.records)} records compared, ${count(verdict.inputs)} inputs.`,
            verdict.differs && [" First other record: ", h("code", {}, verdict.differs), "."],
          ),
        ];
      },
    );
  }
  return panel("Replay", place, { right: [button] });
}
