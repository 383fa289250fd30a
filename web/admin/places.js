/** The pages of the console: where each is, and what stands in the list of pages. */

/**
 * @typedef {object} Here where somebody is
 * @property {Record<string, string>} params parts of the path
 * @property {URLSearchParams} query
 * @property {import("./who.js").Who} who
 * @property {(path: string, replace?: boolean) => void} go
 *
 * @typedef {{title: string, close?: () => void}} Opened
 *
 * @typedef {object} Place
 * @property {string} path with `:name` for a part
 * @property {string} under the path of the entry of the list that is marked
 * @property {() => Promise<{open: (page: HTMLElement, here: Here) => Opened | Promise<Opened>}>} load
 */

/** @type {Array<{title: string, entries: Array<{path: string, title: string, icon: string, role?: string}>}>} */
export const GROUPS = [
  {
    title: "Calls",
    entries: [
      { path: "/admin", title: "Live", icon: "live" },
      { path: "/admin/calls", title: "Calls", icon: "calls" },
      { path: "/admin/statistics", title: "Statistics", icon: "statistics" },
    ],
  },
  {
    title: "Who answers",
    entries: [
      { path: "/admin/agents", title: "Agents", icon: "agents" },
      { path: "/admin/numbers", title: "Numbers", icon: "numbers" },
      { path: "/admin/engines", title: "Engines", icon: "engines" },
      { path: "/admin/test", title: "Test", icon: "test" },
    ],
  },
  {
    title: "Installation",
    entries: [
      { path: "/admin/configuration", title: "Configuration", icon: "configuration" },
      { path: "/admin/watchers", title: "Watchers", icon: "watchers" },
      { path: "/admin/compliance", title: "Compliance", icon: "compliance" },
      { path: "/tracker", title: "Tracker", icon: "tracker" },
      { path: "/admin/accounts", title: "Accounts", icon: "accounts" },
    ],
  },
];

/** @type {Place[]} */
const PLACES = [
  { path: "/admin", under: "/admin", load: () => import("./pages/live.js") },
  { path: "/admin/live/:id", under: "/admin", load: () => import("./pages/live.js") },
  { path: "/admin/calls", under: "/admin/calls", load: () => import("./pages/calls.js") },
  { path: "/admin/calls/:id", under: "/admin/calls", load: () => import("./pages/call.js") },
  { path: "/admin/statistics", under: "/admin/statistics", load: () => import("./pages/statistics.js") },
  { path: "/admin/agents", under: "/admin/agents", load: () => import("./pages/agents.js") },
  { path: "/admin/numbers", under: "/admin/numbers", load: () => import("./pages/numbers.js") },
  { path: "/admin/engines", under: "/admin/engines", load: () => import("./pages/engines.js") },
  { path: "/admin/test", under: "/admin/test", load: () => import("./pages/test.js") },
  { path: "/admin/configuration", under: "/admin/configuration", load: () => import("./pages/configuration.js") },
  { path: "/admin/watchers", under: "/admin/watchers", load: () => import("./pages/watchers.js") },
  { path: "/admin/compliance", under: "/admin/compliance", load: () => import("./pages/compliance.js") },
  { path: "/tracker", under: "/tracker", load: () => import("./pages/tracker.js") },
  { path: "/admin/accounts", under: "/admin/accounts", load: () => import("./pages/accounts.js") },
];

/**
 * @param {string} path
 * @returns {{place: Place, params: Record<string, string>} | null}
 */
export function found(path) {
  const parts = path.replace(/\/+$/, "").split("/");
  for (const place of PLACES) {
    const params = matched(place.path.split("/"), parts);
    if (params) return { place, params };
  }
  return null;
}

/**
 * @param {string[]} pattern
 * @param {string[]} parts
 */
function matched(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (const [place, part] of pattern.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = decodeURIComponent(parts[place]);
    else if (part !== parts[place]) return null;
  }
  return params;
}
