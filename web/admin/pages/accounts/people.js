/** People: their roles, and whether they may still log in. */

import { change, get, post } from "../../kit/api.js";
import { asked, shownOnce } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { field, input, select } from "../../kit/forms.js";
import { moment, whole } from "../../kit/format.js";
import { panel } from "../../kit/page.js";
import { pill } from "../../kit/pills.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

const ROLES = /** @type {Array<[string, string]>} */ ([
  ["viewer", "viewer: sees calls, numbers masked"],
  ["supervisor", "supervisor: acts on calls, sees numbers"],
  ["admin", "admin: changes everything"],
]);

/** @param {import("../../who.js").Who} who */
export async function people(who) {
  const body = h("div");
  const load = () => shown(body, "the accounts", () => get("/api/accounts"), ({ items }) => items.length === 0
    ? empty("No account yet", "Add one here, or on the machine: parley user add NAME.")
    : table("Accounts", [
        { head: "Name", cell: (each) => [h("span", { class: "main" }, each.name), each.name === who.name && h("span", { class: "under" }, "you")] },
        { head: "Role", cell: (each) => each.role },
        { head: "Logs in by", minor: true, cell: (each) => ({ person: "password", oidc: "provider" })[/** @type {string} */ (each.kind)] ?? "password" },
        { head: "Authenticator", minor: true, cell: (each) => (each.totp ? pill("on", "good", "on") : "off") },
        { head: "Last login", className: "tight", cell: (each) => (each.last_login_at ? h("time", { title: whole(each.last_login_at) }, moment(each.last_login_at)) : "never") },
        { head: "Do", quiet: true, className: "actions lead", cell: (each) => each.name !== who.name && [
          h("button", { type: "button", class: "button", "aria-label": `Change ${each.name}`, onclick: () => edit(each, load) }, "Change"), " ",
          h("button", { type: "button", class: "button danger", "aria-label": `Remove ${each.name}`, onclick: () => remove(each, load) }, "Remove"),
        ] },
      ], items));
  await load();
  return panel("People", body, { right: [h("button", { type: "button", class: "button", onclick: () => add(load) }, "Add a person")] });
}

/** @param {() => void} load */
async function add(load) {
  let made = null;
  const done = await asked({
    title: "Add a person",
    body: [
      field("Name", input("name", { required: true, autocapitalize: "none", spellcheck: "false" })),
      field("Role", select("role", ROLES, "viewer")),
      field("Password", input("password", { type: "password", autocomplete: "new-password", minlength: 12, required: true }), "At least 12 characters. Tell it by a safe way; it can be changed after the first login."),
      field("Number for taking over calls", input("number", { type: "tel", placeholder: "+15550100111" })),
    ],
    yes: "Add",
    act: async (data) => (made = await post("/api/accounts", {
      name: String(data.get("name")).trim(), role: data.get("role"), password: data.get("password"), number: String(data.get("number")).trim(),
    })),
  });
  if (!done) return;
  if (made?.password) await shownOnce("The first password", [h("p", {}, "It is shown this once."), h("code", {}, made.password)]);
  load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function edit(each, load) {
  const done = await asked({
    title: `Change ${each.name}`,
    body: [field("Role", select("role", ROLES, each.role)), field("Number for taking over calls", input("number", { type: "tel", value: each.number ?? "" }))],
    yes: "Change",
    act: (data) => change("PATCH", `/api/accounts/${encodeURIComponent(each.name)}`, { role: data.get("role"), number: String(data.get("number")).trim() }),
  });
  if (done) load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function remove(each, load) {
  const done = await asked({
    title: `Remove ${each.name}?`, body: [h("p", {}, "Whoever uses this account is logged out at once. What they did stays in the audit.")],
    yes: "Remove", danger: true, act: () => change("DELETE", `/api/accounts/${encodeURIComponent(each.name)}`),
  });
  if (done) load();
}
