// Finds, creates and updates elements of the component.

export const element = (tag, attributes = {}, text = "") => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
};

export const put = (node, text) => {
  if (node && node.textContent !== text) node.textContent = text;
};

export const find = (s, selector) => s.root.querySelector(selector);

// The handle lies on the line of the score, or under the bar of the histogram where there is no time.
export function putHandle(s, where) {
  const knob = find(s, ".dlt-handle");
  if (s.hasTime) knob.style.transform = `translate(0px, ${where.toFixed(1)}px)`;
  else knob.style.transform = `translate(${where.toFixed(1)}px, 0px)`;
}
