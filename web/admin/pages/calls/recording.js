/** The sound of a call; the words follow it, and a word's time moves it. */

import { h } from "../../kit/dom.js";
import { inside, panel } from "../../kit/page.js";

/**
 * @param {string} path
 * @param {{lines: Array<{at: number, item: HTMLElement}>}} said
 */
export function recording(path, said) {
  const trouble = h(
    "p",
    { class: "trouble", role: "alert", hidden: true },
    "The recording cannot be fetched. It may be gone: see how long recordings are kept under Configuration.",
  );
  const sound = /** @type {HTMLAudioElement} */ (
    h("audio", { controls: true, preload: "none", src: `${path}/recording`, "aria-label": "Recording of the call" })
  );
  sound.addEventListener("error", () => (trouble.hidden = false));
  let current = -1;
  sound.addEventListener("timeupdate", () => {
    const at = sound.currentTime * 1000;
    const now = said.lines.findLastIndex((line) => line.at <= at);
    if (now === current) return;
    said.lines[current]?.item.removeAttribute("data-sounds");
    said.lines[now]?.item.setAttribute("data-sounds", "");
    current = now;
  });
  for (const { at, item } of said.lines) {
    const time = item.querySelector("time");
    time?.replaceWith(
      h(
        "button",
        {
          type: "button",
          class: "at",
          title: "Play from here",
          onclick: () => {
            sound.currentTime = Math.max(0, at / 1000);
            sound.play();
          },
        },
        time.textContent,
      ),
    );
  }
  return panel("Recording", inside(sound, trouble));
}
