/** Logging in: by name and password, and a code where one is set up; or at the provider that is configured. */

import { get, post, Problem } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { field, form, input } from "../kit/forms.js";
import { sentence } from "../kit/states.js";

/**
 * @param {HTMLElement} page
 * @param {() => void} entered
 */
export async function open(page, entered) {
  document.title = "Log in · Parley";
  const ways = await get("/api/session/ways").catch(() => ({ local: true, oidc: null, secure: true }));
  const name = input("name", { autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = input("password", { type: "password", autocomplete: "current-password", required: true });
  const code = input("code", { inputmode: "numeric", autocomplete: "one-time-code", maxlength: 6 });
  const coded = field("Code of your authenticator", code);
  coded.hidden = true;
  const local = form({
    body: [field("Name", name), field("Password", password), coded],
    send: "Log in",
    act: async (data) => {
      try {
        await post("/api/session/login", {
          name: data.get("name"),
          password: data.get("password"),
          ...(code.value ? { code: code.value } : {}),
        });
      } catch (error) {
        if (!(error instanceof Problem && error.field.endsWith("code")) || code.value) throw error;
        coded.hidden = false;
        code.required = true;
        code.focus();
        return;
      }
      entered();
    },
  });
  fill(
    page,
    h(
      "div",
      { class: "door" },
      h("p", { class: "brand" }, h("img", { src: "/admin/files/icon.svg", alt: "", width: 30, height: 30 }), "Parley"),
      h(
        "div",
        { class: "panel" },
        h(
          "div",
          { class: "inside" },
          h("h1", {}, "Log in"),
          !ways.secure &&
            h(
              "p",
              { class: "trouble" },
              "Logging in needs TLS: come by https, or by http://localhost on the machine itself.",
            ),
          ways.refused &&
            h(
              "p",
              { class: "trouble", role: "alert" },
              [ways.refused.detail, ways.refused.remedy].filter(Boolean).map(sentence).join(" "),
            ),
          ways.oidc && h("a", { class: "button strong", href: ways.oidc.url }, `Log in with ${ways.oidc.name}`),
          ways.local && local,
        ),
      ),
      h(
        "p",
        { class: "hint" },
        ways.local
          ? [
              "No account yet? ",
              h("code", {}, "parley user add NAME"),
              " on the machine makes one; ",
              h("code", {}, "make run"),
              " prints a link that logs you in once.",
            ]
          : "Accounts and roles are kept at the provider.",
      ),
    ),
  );
  (ways.local && !ways.refused ? name : page).focus();
}
