/** What a setting is changed with, by its kind. */

import { h } from "../../kit/dom.js";
import { field, input, select } from "../../kit/forms.js";

/**
 * @param {any} setting
 * @returns {HTMLElement}
 */
export function control(setting) {
  const { kind, value, choices = [] } = setting;
  const unset = setting.default ? `Empty: ${setting.default}, the default.` : "Empty: taken away.";
  if (kind === "choice") {
    const all = choices.map(
      (/** @type {string} */ choice) => /** @type {[string, string]} */ ([choice, choice || "none"]),
    );
    return field("Value", select("value", all, String(value ?? "")));
  }
  if (kind === "secret") {
    return field(
      "New value",
      input("value", { type: "password", autocomplete: "new-password", spellcheck: "false" }),
      "It is sealed at once and never shown again. Empty: taken away.",
    );
  }
  if (kind === "engines") {
    return h(
      "div",
      {},
      field(
        "Engines, the preferred one first",
        input("value", { value: String(value ?? ""), spellcheck: "false" }),
        `Names with commas between them${choices.length ? `: ${choices.join(", ")}` : ""}. ${unset}`,
      ),
    );
  }
  return field(
    "Value",
    input("value", {
      value: String(value ?? ""),
      inputmode: kind === "number" ? "decimal" : null,
      spellcheck: "false",
    }),
    unset,
  );
}

/**
 * @param {any} setting
 * @param {FormData} data
 * @returns {string | null} null: as it was without
 */
export function given(setting, data) {
  const text = String(data.get("value") ?? "").trim();
  return text === "" && !(setting.kind === "choice" && setting.choices?.includes("")) ? null : text;
}
