/** Which engine is used in which order, how fast each is, and which are passed over because they failed. */

import { get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { count, DASH, millis, percent } from "../kit/format.js";
import { head, panel } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";

/** @type {Record<string, string>} */
const TITLES = { stt: "Ears", llm: "Mind", tts: "Voice" };
const AGAIN_MS = 5_000;

/** @param {HTMLElement} page */
export async function open(page) {
  const body = h("div");
  fill(
    page,
    head("Engines", {
      beside: "Figures of the last ten minutes.",
      right: [
        h("a", { class: "button", href: "/admin/test" }, "Try one"),
        h("a", { class: "button", href: "/admin/configuration" }, "Change the order"),
      ],
    }),
    body,
  );
  await shown(body, "the engines", () => get("/api/engines"), drawn);
  const timer = setInterval(() => {
    if (document.hidden || body.querySelector(".failed")) return;
    get("/api/engines").then(
      (told) => fill(body, drawn(told)),
      () => {},
    );
  }, AGAIN_MS);
  return { title: "Engines", close: () => clearInterval(timer) };
}

/** @param {any} told */
function drawn(told) {
  return told.stages.map((/** @type {any} */ stage) =>
    panel(
      TITLES[stage.stage] ?? stage.stage,
      [
        !stage.agreed &&
          h(
            "p",
            { class: "warning" },
            "The processes do not agree on the order: a change is on its way, or the environment of some says otherwise.",
          ),
        stage.engines.length === 0
          ? empty("No process tells of its engines", "The service of this stage is not up, or began less than 5 s ago.")
          : table(`Engines of ${stage.stage}, the preferred one first`, COLUMNS, stage.engines, {
              className: "engines",
            }),
      ],
      { note: [`${stage.latency}`, stage.others.length > 0 && `; also there: ${stage.others.join(", ")}`] },
    ),
  );
}

/** @type {Array<import("../kit/table.js").Column<any>>} */
const COLUMNS = [
  {
    head: "Engine",
    cell: (each) => [h("span", { class: "main" }, each.name), h("span", { class: "under" }, place(each))],
  },
  { head: "Breaker", cell: breaker },
  { head: "Answers", figure: true, cell: (each) => count(each.count) },
  { head: "Failed", figure: true, cell: failed },
  { head: "Half within", figure: true, cell: (each) => millis(each.p50_ms) },
  { head: "95 % within", figure: true, cell: (each) => millis(each.p95_ms) },
];

/** @param {any} each */
function place(each) {
  return [
    each.place === 1 ? "asked first" : "asked when those above fail",
    each.vendor ? "a vendor's" : "on this machine",
  ].join(", ");
}

/** @param {any} each */
function breaker(each) {
  if (!each.open) return pill("closed", "good", "Closed: in use");
  const longest = Math.max(0, ...each.replicas.map((/** @type {any} */ replica) => replica.open_s ?? 0));
  const where = each.open < each.replicas.length ? `by ${each.open} of ${each.replicas.length} processes` : "";
  return [
    pill("open", "bad", `Open: passed over for ${Math.ceil(longest)} s`),
    where && h("span", { class: "under" }, where),
  ];
}

/** @param {any} each */
function failed(each) {
  if (each.error_rate === null) return DASH;
  return each.errors ? h("span", { class: "bad" }, `${count(each.errors)} (${percent(each.error_rate)})`) : "0";
}
