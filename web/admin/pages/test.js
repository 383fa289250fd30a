/** One sentence through the model, the understanding, or the voice: whether each works, and how fast. */

import { post } from "../kit/api.js";
import { fill, h } from "../kit/dom.js";
import { field, form, input } from "../kit/forms.js";
import { millis, percent } from "../kit/format.js";
import { head, inside, pairs, panel } from "../kit/page.js";
import { pill } from "../kit/pills.js";
import { may } from "../who.js";
import { noRight } from "../kit/states.js";

/**
 * @param {HTMLElement} page
 * @param {import("../places.js").Here} here
 */
export function open(page, here) {
  fill(page, head("Test", { beside: "One sentence through the services as they run now. No call is made." }));
  if (!may(here.who, "supervisor")) page.append(h("div", { class: "panel" }, noRight("supervisor")));
  else page.append(h("div", { class: "grid" }, mind(), understanding(), voice()));
  return { title: "Test" };
}

/** The model answers. */
function mind() {
  const out = h("div", { class: "answer", role: "status" });
  return tried("Mind", "A sentence to the model", "When are you open on Saturday?", "Ask", out, async (text, agent) => {
    const told = await post("/api/test-llm", { text, ...(agent && { agent }) });
    fill(out, h("blockquote", {}, told.text), pairs([
      ["Engine", told.engine], ["First word after", millis(told.first_token_ms ?? told.first_ms)], ["All of it after", millis(told.ms ?? told.total_ms)],
      ...(told.tools?.length ? [/** @type {[string, string]} */ (["Would use", told.tools.map((/** @type {any} */ tool) => tool.name ?? tool).join(", ")])] : []),
    ]));
  });
}

/** What is meant, and how the caller feels. */
function understanding() {
  const out = h("div", { class: "answer", role: "status" });
  return tried("Understanding", "What a caller says", "I have told you three times now that it does not work!", "Understand", out, async (text, agent) => {
    const told = await post("/api/test-nlu", { text, ...(agent && { agent }) });
    const slots = Object.entries(told.slots ?? {});
    fill(out, pairs([
      ["Feels", [pill(told.emotion), " ", told.emotion_confidence !== undefined ? percent(told.emotion_confidence) : ""]],
      ["Wants", [told.intent || "nothing that is known", " ", told.intent_confidence !== undefined && told.intent ? percent(told.intent_confidence) : ""]],
      ...slots.map(([name, value]) => /** @type {[string, string]} */ ([name, String(value)])),
      ["Took", millis(told.ms)],
    ]));
  });
}

/** The voice says it. */
function voice() {
  const out = h("div", { class: "answer", role: "status" });
  return tried("Voice", "A sentence to be said", "Your order is ready, you can pick it up from ten.", "Speak", out, async (text, agent) => {
    const told = await post("/api/test-tts", { text, ...(agent && { agent }) });
    const sound = /** @type {HTMLAudioElement} */ (h("audio", { controls: true, src: `data:audio/wav;base64,${told.audio}`, "aria-label": "What the voice said" }));
    fill(out, sound, pairs([
      ["Engine", told.engine], ["First sound after", millis(told.first_ms ?? told.first_audio_ms)], ["All of it after", millis(told.ms ?? told.total_ms)],
    ]));
    sound.play().catch(() => {});
  });
}

/**
 * @param {string} title
 * @param {string} label
 * @param {string} example
 * @param {string} send
 * @param {HTMLElement} out
 * @param {(text: string, agent: string) => Promise<void>} act
 */
function tried(title, label, example, send, out, act) {
  const made = form({
    body: [
      field(label, h("textarea", { name: "text", rows: 2, required: true, maxlength: 500 }, example)),
      field("Agent", input("agent", { placeholder: "The one that answers by default" })),
    ],
    send,
    act: (data) => act(String(data.get("text")).trim(), String(data.get("agent") ?? "").trim()),
  });
  return panel(title, inside(made, out));
}
