// What a person has set in a component, kept in the tab: it survives other panels and a reload.

const PREFIX = "dlcore-";

// The value saved under a name; null if there is none, or the browser keeps nothing.
export function recall(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name));
  } catch {
    return null;
  }
}

export function keep(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // a full or blocked storage: the component works without
  }
}
