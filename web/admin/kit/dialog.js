/** A question that must be answered before going on. The browser keeps the focus in it, and gives it back. */

import { fill, h, id } from "./dom.js";
import { inWords } from "./states.js";

/**
 * @param {object} question
 * @param {string} question.title
 * @param {import("./dom.js").Child | import("./dom.js").Child[]} question.body
 * @param {string} question.yes what the button says that does it
 * @param {boolean} [question.danger]
 * @param {(form: FormData) => Promise<unknown>} question.act stays open, and says why, when it raises
 * @returns {Promise<boolean>} whether it was done
 */
export function asked({ title, body, yes, danger = false, act }) {
  const heading = id();
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const doing = /** @type {HTMLButtonElement} */ (
    h("button", { type: "submit", class: `button strong${danger ? " danger" : ""}` }, yes)
  );
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { class: "dialog", "aria-labelledby": heading }));
  const form = /** @type {HTMLFormElement} */ (
    h(
      "form",
      { class: "form" },
      h("h2", { id: heading }, title),
      h("div", { class: "dialog-body" }, body),
      trouble,
      h(
        "div",
        { class: "buttons" },
        doing,
        h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
      ),
    )
  );
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let done = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      doing.disabled = true;
      trouble.hidden = true;
      try {
        await act(new FormData(form));
        done = true;
        dialog.close();
      } catch (error) {
        fill(trouble, inWords(error));
        trouble.hidden = false;
      } finally {
        doing.disabled = false;
      }
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
  });
}

/**
 * Something that is shown this once.
 *
 * @param {string} title
 * @param {import("./dom.js").Child | import("./dom.js").Child[]} body
 * @param {string} [button]
 * @returns {Promise<void>} when it is closed
 */
export function shownOnce(title, body, button = "Done") {
  const heading = id();
  const dialog = /** @type {HTMLDialogElement} */ (
    h(
      "dialog",
      { class: "dialog", "aria-labelledby": heading },
      h("h2", { id: heading }, title),
      h("div", { class: "dialog-body" }, body),
      h(
        "div",
        { class: "buttons" },
        h("button", { type: "button", class: "button strong", onclick: () => dialog.close() }, button),
      ),
    )
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    });
  });
}
