// What a person has set in a component: it survives other panels and a reload, and is in the address of the view.
//
// A field is a query parameter `<name>-<field>`, left out at its initial value. A link's values count once, at the
// first `recall` in the tab; then those kept in the tab do.

const PREFIX = "dlcore-";
const LONGEST = 1800; // characters of a value: mail programs cut longer addresses
const PAUSE_MS = 150;
const linked = new URLSearchParams(location.search);
const shown = new Map(); // name → what its component has in the address
let timer = 0;

const isText = (value) => {
  try {
    JSON.parse(value);
    return false;
  } catch {
    return true;
  }
};
const write = (value) => (typeof value === "string" && isText(value) ? value : JSON.stringify(value));
const read = (text) => (isText(text) ? text : JSON.parse(text));

// The fields of a component by name: those of a link, then those kept in this tab for the same `version` of the data;
// null if there are none.
export function recall(name, version = "") {
  const start = `${name}-`;
  const fields = [...linked.keys()].filter((key) => key.startsWith(start));
  if (fields.length) {
    const values = fields.map((key) => [key.slice(start.length), read(linked.get(key))]);
    for (const key of fields) linked.delete(key);
    return Object.fromEntries(values);
  }
  try {
    const saved = JSON.parse(sessionStorage.getItem(PREFIX + name));
    return saved?.version === version ? saved.fields : null;
  } catch {
    return null; // the browser keeps nothing
  }
}

// Keeps the fields of the component at `root`, those that are not `initial` in the address too.
export function keep(root, name, fields, { initial = {}, version = "" } = {}) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify({ version, fields }));
  } catch {
    // a full or blocked storage: the component works without
  }
  const entries = Object.entries(fields).map(([field, value]) => {
    const text = write(value);
    return [`${name}-${field}`, text === write(initial[field]) || text.length > LONGEST ? null : text];
  });
  shown.set(name, { root, path: location.pathname, entries });
  clearTimeout(timer); // browsers ignore the changes of a drag, hundreds in a few seconds
  timer = setTimeout(updateAddress, PAUSE_MS);
}

// Puts the fields of the components on the screen into the address, and takes those of the others out.
function updateAddress() {
  const url = new URL(location.href);
  for (const [name, { root, path, entries }] of shown) {
    const isShown = root.isConnected && path === url.pathname;
    for (const [key, text] of entries)
      if (isShown && text !== null) url.searchParams.set(key, text);
      else url.searchParams.delete(key);
    if (!isShown) shown.delete(name);
  }
  if (url.href === location.href) return;
  try {
    history.replaceState(history.state, "", url);
  } catch {
    // the file of a report: its address stays as it is
  }
}

// Python writes the parameters that it knows, without those of the components.
window.navigation?.addEventListener("currententrychange", () => queueMicrotask(updateAddress));
