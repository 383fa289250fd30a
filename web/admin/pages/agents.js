/** The bots: their versions, which takes calls, and how the versions do beside each other. */

import { get, post } from "../kit/api.js";
import { asked } from "../kit/dialog.js";
import { fill, h } from "../kit/dom.js";
import { field, input, select } from "../kit/forms.js";
import { count, DASH, decimal, money, moment, percent, whole } from "../kit/format.js";
import { say } from "../kit/news.js";
import { head, panel } from "../kit/page.js";
import { chip, pill } from "../kit/pills.js";
import { empty, shown } from "../kit/states.js";
import { table } from "../kit/table.js";
import { may } from "../who.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export async function open(page, here) {
  const body = h("div");
  const admin = may(here.who, "admin");
  fill(page, head("Agents", { beside: "A change counts for new calls." }), body);
  const load = () => shown(body, "the agents", () => get("/api/agents"), ({ items }) => {
    if (items.length === 0) return h("div", { class: "panel" }, empty("No agent yet", "Make one: parley agent new NAME, on the machine."));
    return items.map((/** @type {any} */ agent) => bot(agent, admin, load));
  });
  await load();
  return { title: "Agents" };
}

/**
 * @param {any} agent
 * @param {boolean} admin
 * @param {() => void} load
 */
function bot(agent, admin, load) {
  const versions = agent.versions ?? [];
  const right = [
    admin && versions.length > 1 && h("button", { type: "button", class: "button", onclick: () => roll(agent, load) }, "Roll out"),
  ].filter(Boolean);
  const shownTable = table(`Versions of ${agent.name}`, [
    { head: "Version", cell: (each) => [h("code", { class: "main" }, each.version), h("span", { class: "under" }, each.at && moment(each.at), each.note && ` · ${each.note}`)] },
    { head: "Takes", cell: (each) => takes(each) },
    { head: "Calls", figure: true, cell: (each) => count(each.figures?.calls) },
    { head: "Turns a call", figure: true, minor: true, cell: (each) => decimal(each.figures?.turns) },
    { head: "Interrupted", figure: true, minor: true, cell: (each) => decimal(each.figures?.interruptions) },
    { head: "Without a person", figure: true, minor: true, cell: (each) => percent(each.figures?.containment) },
    { head: "Cost a call", figure: true, cell: (each) => money(each.figures?.cost_usd) },
  ], versions);
  return panel(agent.name, versions.length ? shownTable : empty("No version is published", `Publish one: parley agent publish ${agent.name}. Until then calls are answered from its files.`), {
    note: [agent.company, " ", agent.default && chip("answers when nothing else is said")], right,
  });
}

/** @param {any} each */
function takes(each) {
  const share = each.share ?? 0;
  if (share >= 1) return pill("on", "good", "All new calls");
  return share > 0 ? pill("canary", "warn", `${percent(share)} of new calls`) : h("span", { class: "note" }, DASH);
}

/**
 * @param {any} agent
 * @param {() => void} load
 */
async function roll(agent, load) {
  const choices = /** @type {Array<[string, string]>} */ (
    agent.versions.map((/** @type {any} */ each) => [each.version, `${each.version}${each.at ? `, ${whole(each.at)}` : ""}`]));
  const done = await asked({
    title: `Roll out a version of ${agent.name}`,
    body: [
      field("Version", select("version", choices, agent.versions[0].version)),
      field("Share of new calls, percent", input("share", { type: "number", min: 1, max: 100, value: 100, required: true }),
        "100: all of them, and an older version chosen here is a roll back. Less: a canary beside the version that answers now."),
    ],
    yes: "Roll out",
    act: (data) => post(`/api/agents/${encodeURIComponent(agent.name)}/roll`, { version: String(data.get("version")), share: Number(data.get("share")) / 100 }),
  });
  if (!done) return;
  say(`${agent.name}: new calls are answered as chosen.`);
  load();
}
