/** Which engine is used in which order, how fast each is, and which are passed over because they failed. */

import { get } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { count, DASH, millis, percent } from "../kit/format.js";
import { head, panel } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";

const TITLES = { stt: "Ears", llm: "Mind", tts: "Voice" };
const AGAIN_MS = 5_000;

/** @param {HTMLElement} page */
export async function open(page) {
  const body = h("div");
  fill(page, head("Engines", {
    beside: "Figures of the last ten minutes.",
    right: [h("a", { class: "button", href: "/admin/test" }, "Try one"), h("a", { class: "button", href: "/admin/configuration" }, "Change the order")],
  }), body);
  await shown(body, "the engines", () => get("/api/engines"), drawn);
  const timer = setInterval(() => {
    if (document.hidden || body.querySelector(".failed")) return;
    get("/api/engines").then((told) => fill(body, drawn(told)), () => {});
  }, AGAIN_MS);
  return { title: "Engines", close: () => clearInterval(timer) };
}

/** @param {any} told */
function drawn(told) {
  const stages = told.stages ?? [];
  if (stages.length === 0) return h("div", { class: "panel" }, empty("No process tells of its engines", "Start the services: make run. Each tells of itself within 5 s."));
  return stages.map((/** @type {any} */ stage) => panel(TITLES[stage.stage] ?? stage.stage,
    stage.engines.length === 0 ? empty("No engine tells of itself", "The service of this stage is not up.") : table(`Engines of ${stage.stage}, the preferred one first`, [
    { head: "Engine", cell: (each) => [h("span", { class: "main" }, each.name), h("span", { class: "under" }, place(each))] },
    { head: "Breaker", cell: breaker },
    { head: "Answers", figure: true, cell: (each) => count(each.count) },
    { head: "Failed", figure: true, cell: (each) => failedShare(each) },
    { head: "Half within", figure: true, cell: (each) => millis(each.p50_ms) },
    { head: "95 % within", figure: true, cell: (each) => millis(each.p95_ms) },
  ], stage.engines, { className: "engines" }), { note: stage.source ?? null }));
}

/** @param {any} each */
function place(each) {
  if (each.place === 1 || each.preferred) return "used first";
  return each.place ? `used when those before it fail` : "";
}

/** @param {any} each */
function breaker(each) {
  const open = each.open_s ?? each.open?.seconds ?? null;
  if (open === null && !each.open) return pill("closed", "good", "In use");
  return pill("open", "bad", open ? `Passed over for ${Math.ceil(open)} s` : "Passed over");
}

/** @param {any} each */
function failedShare(each) {
  const all = (each.count ?? 0) + (each.errors ?? 0);
  if (!all) return DASH;
  return each.errors ? h("span", { class: "bad" }, `${count(each.errors)} (${percent(each.errors / all)})`) : "0";
}
