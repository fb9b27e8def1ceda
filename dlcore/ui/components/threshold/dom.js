// Finds, creates and updates elements of the component.

export const createElement = (tag, attributes = {}, text = "") => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
};

export const setText = (node, text) => {
  if (node && node.textContent !== text) node.textContent = text;
};

export const query = (s, selector) => s.root.querySelector(selector);

// The handle is on the threshold line of the score or, without a time axis, of the histogram.
export function placeHandle(s, offset) {
  const handle = query(s, ".dlt-handle");
  if (s.hasTime) handle.style.transform = `translate(0px, ${offset.toFixed(1)}px)`;
  else handle.style.transform = `translate(${offset.toFixed(1)}px, 0px)`;
}
