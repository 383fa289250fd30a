/** People: their roles, and whether they may still log in. */

import { change, get, post } from "../../kit/api.js";
import { asked, shownOnce } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { check, field, input, select } from "../../kit/forms.js";
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
export function people(who) {
  const body = h("div");
  const load = () =>
    shown(
      body,
      "the accounts",
      () => get("/api/users"),
      ({ items }) =>
        items.length === 0
          ? empty("No account yet", "Add one here, or on the machine: parley user add NAME.")
          : table(
              "Accounts",
              [
                {
                  head: "Name",
                  cell: (each) => [
                    h("span", { class: "main" }, each.name),
                    each.name === who.name && h("span", { class: "under" }, "you"),
                  ],
                },
                { head: "Role", cell: (each) => each.role },
                { head: "Takes calls over to", minor: true, cell: (each) => each.number },
                { head: "Authenticator", className: "named", cell: (each) => (each.totp ? pill("on", "good", "on") : "off") },
                {
                  head: "Since",
                  className: "tight",
                  minor: true,
                  cell: (each) => h("time", { title: whole(each.made_at) }, moment(each.made_at)),
                },
                {
                  head: "Do",
                  quiet: true,
                  className: "actions",
                  cell: (each) =>
                    each.name !== who.name && [
                      h(
                        "button",
                        {
                          type: "button",
                          class: "button",
                          "aria-label": `Change ${each.name}`,
                          onclick: () => edit(each, load),
                        },
                        "Change",
                      ),
                      " ",
                      h(
                        "button",
                        {
                          type: "button",
                          class: "button danger",
                          "aria-label": `Remove ${each.name}`,
                          onclick: () => remove(each, load),
                        },
                        "Remove",
                      ),
                    ],
                },
              ],
              items,
            ),
    );
  load();
  return panel("People", body, {
    right: [h("button", { type: "button", class: "button", onclick: () => add(load) }, "Add a person")],
  });
}

/** @param {() => void} load */
async function add(load) {
  let made = null;
  const done = await asked({
    title: "Add a person",
    body: [
      field("Name", input("name", { required: true, autocapitalize: "none", spellcheck: "false" })),
      field("Role", select("role", ROLES, "viewer")),
      field(
        "Password",
        input("password", { type: "password", autocomplete: "new-password" }),
        "Empty: one is made, and shown to you once.",
      ),
    ],
    yes: "Add",
    act: async (data) =>
      (made = await post("/api/users", {
        name: String(data.get("name")).trim(),
        role: data.get("role"),
        password: data.get("password"),
      })),
  });
  if (!done) return;
  await first(made);
  load();
}

/** @param {any} made what was answered: the password that was made is in no other answer */
async function first(made) {
  if (!made?.password) return;
  await shownOnce(`The password of ${made.name}`, [
    h("p", {}, "It is shown this once. Tell it by a safe way; after the first login it can be changed."),
    h("code", { class: "once" }, made.password),
  ]);
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function edit(each, load) {
  let made = null;
  const done = await asked({
    title: `Change ${each.name}`,
    body: [
      field("Role", select("role", ROLES, each.role)),
      field("Takes calls over to", input("number", { type: "tel", value: each.number, placeholder: "+15550100199" })),
      check("Make a new password, and end all sessions", "renew", false),
      each.totp && check("Turn the authenticator off: it is lost", "lost", false),
    ],
    yes: "Change",
    act: async (data) =>
      (made = await change("PATCH", `/api/users/${encodeURIComponent(each.name)}`, {
        role: data.get("role"),
        number: String(data.get("number")).trim(),
        ...(data.get("renew") && { password: "" }),
        ...(data.get("lost") && { totp: false }),
      })),
  });
  if (!done) return;
  await first(made);
  load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function remove(each, load) {
  const done = await asked({
    title: `Remove ${each.name}?`,
    body: [h("p", {}, "Whoever uses this account is logged out at once. What they did stays in the audit.")],
    yes: "Remove",
    danger: true,
    act: () => change("DELETE", `/api/users/${encodeURIComponent(each.name)}`),
  });
  if (done) load();
}
