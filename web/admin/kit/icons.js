/** Small pictures, drawn with one pen. None carries a meaning that no word beside it has. */

import { s } from "./dom.js";

/** Paths on a field of 24 by 24. */
const DRAWN = {
  live: "M4 12h3l3-7 4 14 3-7h3",
  calls:
    "M5 4h4l1.5 5L8 10.5a11 11 0 0 0 5.5 5.5L15 13.5l5 1.5v4a1.5 1.5 0 0 1-1.6 1.5C10 20 4 14 3.5 5.6A1.5 1.5 0 0 1 5 4z",
  statistics: "M4 20V10M10 20V4M16 20v-7M21 20H3",
  agents: "M12 4v3M7 7h10a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2zM9.5 12v2M14.5 12v2",
  numbers: "M9 4L7 20M17 4l-2 16M4 9h17M3 15h17",
  engines: "M4 6h16v5H4zM4 13h16v5H4zM8 8.5h.01M8 15.5h.01",
  test: "M9 4h6M10 4v6l-5 8a1.5 1.5 0 0 0 1.3 2.2h11.4A1.5 1.5 0 0 0 19 18l-5-8V4",
  configuration: "M4 7h9M17 7h3M15 5v4M4 12h3M11 12h9M9 10v4M4 17h11M19 17h1M17 15v4",
  watchers:
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  compliance: "M12 3l7 3v5c0 4.5-3 8-7 10-4-2-7-5.5-7-10V6zM9 12l2.2 2.2L15.5 10",
  tracker: "M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11 6.5h9M11 12.5h9M11 18.5h9",
  accounts: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20c.8-3.5 3.700-5.5 7.5-5.5s6.700 2 7.5 5.5",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  back: "M14.5 5.5L8 12l6.5 6.5",
  next: "M9.5 5.5L16 12l-6.5 6.5",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5L20 20",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  trouble: "M12 4.5L21 19.5H3zM12 10v4.5M12 17h.01",
  empty: "M4 13l2.5-7h11L20 13v6H4zM4 13h5l1 2h4l1-2h5",
  good: "M5 12.5l4.5 4.5L19 7.5",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  down: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
  tool: "M14.5 6.5a4 4 0 0 1 5-1.5L17 7.5l.5 1.5 1.5.5L21.5 7a4 4 0 0 1-5.2 5L9 19.5A2 2 0 1 1 6 16.5l7.3-7.3a4 4 0 0 1 1.2-2.700z",
};

/**
 * @param {keyof typeof DRAWN} name
 * @returns {SVGElement} not seen by a screen reader
 */
export function icon(name) {
  return s(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    s("path", { class: "stroke", d: DRAWN[name] }),
  );
}
