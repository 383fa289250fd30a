/** Keys for machines: what each may ask. A key is shown once. */

import { change, get, post } from "../../kit/api.js";
import { asked, shownOnce } from "../../kit/dialog.js";
import { h } from "../../kit/dom.js";
import { check, field, input, select } from "../../kit/forms.js";
import { day, moment, whole } from "../../kit/format.js";
import { panel } from "../../kit/page.js";
import { chip } from "../../kit/pills.js";
import { empty, shown } from "../../kit/states.js";
import { table } from "../../kit/table.js";

const AREAS = ["calls", "live", "statistics", "agents", "engines", "config", "watchers", "compliance"];

/** The panel. */
export function keys() {
  const body = h("div");
  const load = () =>
    shown(
      body,
      "the keys",
      () => get("/api/keys"),
      ({ items }) =>
        items.length === 0
          ? empty("No key yet", "A program that asks the API needs one: Authorization: Bearer KEY.")
          : table(
              "API keys",
              [
                {
                  head: "Name",
                  cell: (each) => [
                    h("span", { class: "main" }, each.name),
                    h("code", { class: "under" }, `parley_${each.id}_…`),
                  ],
                },
                { head: "Role", cell: (each) => each.role },
                {
                  head: "May",
                  cell: (each) => (each.scopes ?? []).map((/** @type {string} */ scope) => [chip(scope), " "]).flat(),
                },
                {
                  head: "Last used",
                  className: "tight named",
                  cell: (each) =>
                    each.used_at ? h("time", { title: whole(each.used_at) }, moment(each.used_at)) : "never",
                },
                {
                  head: "Until",
                  className: "tight",
                  minor: true,
                  cell: (each) =>
                    each.ends_at ? h("time", { title: whole(each.ends_at) }, day(each.ends_at)) : "revoked",
                },
                {
                  head: "Do",
                  quiet: true,
                  className: "actions lead",
                  cell: (each) =>
                    h(
                      "button",
                      {
                        type: "button",
                        class: "button danger",
                        "aria-label": `Revoke ${each.name}`,
                        onclick: () => revoke(each, load),
                      },
                      "Revoke",
                    ),
                },
              ],
              items,
            ),
    );
  load();
  return panel("API keys", body, {
    right: [h("button", { type: "button", class: "button", onclick: () => add(load) }, "Make a key")],
  });
}

/** @param {() => void} load */
async function add(load) {
  let made = null;
  const done = await asked({
    title: "Make a key",
    body: [
      field("Name", input("name", { required: true, placeholder: "Reporting" })),
      field(
        "Role, at most",
        select(
          "role",
          [
            ["viewer", "viewer"],
            ["supervisor", "supervisor"],
            ["admin", "admin"],
          ],
          "viewer",
        ),
      ),
      field("Good for days", input("days", { type: "number", min: 1 }), "Empty: until it is revoked."),
      h(
        "fieldset",
        { class: "scopes" },
        h("legend", {}, "What it may read and change"),
        AREAS.map((area) =>
          h(
            "div",
            { class: "scope" },
            h("span", {}, area),
            check("read", `${area}:read`, false, { "aria-label": `read ${area}` }),
            check("change", `${area}:write`, false, { "aria-label": `change ${area}` }),
          ),
        ),
      ),
    ],
    yes: "Make",
    act: async (data) =>
      (made = await post("/api/keys", {
        name: String(data.get("name")).trim(),
        role: data.get("role"),
        scopes: AREAS.flatMap((area) => [`${area}:read`, `${area}:write`]).filter((scope) => data.get(scope)),
        days: Number(data.get("days")) || null,
      })),
  });
  if (!done || !made) return;
  await shownOnce("The key", [
    h("p", {}, "Copy it now: it is shown this once and stored only as a hash."),
    h("code", { class: "once" }, made.key),
  ]);
  load();
}

/**
 * @param {any} each
 * @param {() => void} load
 */
async function revoke(each, load) {
  const done = await asked({
    title: `Revoke ${each.name}?`,
    body: [h("p", {}, "Whatever uses it is refused from now on.")],
    yes: "Revoke",
    danger: true,
    act: () => change("DELETE", `/api/keys/${encodeURIComponent(each.id)}`),
  });
  if (done) load();
}
