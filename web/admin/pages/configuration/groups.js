/** Settings by what they are about. */

/** @type {Record<string, string>} */
const TITLES = { stt: "Ears", llm: "Mind", tts: "Voice", "": "The house" };

/**
 * @param {any[]} settings
 * @returns {Array<{title: string, settings: any[]}>} in the order in which the service tells them
 */
export function grouped(settings) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const setting of settings) {
    const title = TITLES[setting.stage] ?? setting.stage;
    groups.set(title, [...(groups.get(title) ?? []), setting]);
  }
  return [...groups].map(([title, its]) => ({ title, settings: its }));
}
