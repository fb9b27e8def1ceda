// Contents of samples: a thumbnail cut from the sheet of all, a text, or a row number.

import { htmlElement } from "../shared/dom.js";
import { formatPercent } from "../shared/numbers.js";

const MOST = 24; // samples of a group that are listed
const MOST_TEXTS = 6;
const SMALL = 64; // pixels of a thumbnail: smaller ones are enlarged without blur

function addThumbnail(s, parent, i, side) {
  const { sheet, columns, side: pixels } = s.data;
  const rows = Math.ceil(s.samples / columns);
  const thumbnail = htmlElement("span", { class: "dle-thumb" }, parent);
  thumbnail.style.cssText = `width:${side}px;height:${side}px`;
  thumbnail.style.backgroundImage = `url("${sheet}")`;
  thumbnail.style.backgroundSize = `${columns * side}px ${rows * side}px`;
  thumbnail.style.backgroundPosition = `${-(i % columns) * side}px ${-Math.floor(i / columns) * side}px`;
  thumbnail.classList.toggle("dle-small", pixels < SMALL);
}

function addContent(s, parent, i, side) {
  if (s.data.sheet) addThumbnail(s, parent, i, side);
  else if (s.data.texts) htmlElement("span", {}, parent, s.data.texts[i] || "The text is not on this machine.");
}

function describeSample(s, i) {
  const { labels } = s.data;
  const k = s.predictedAt(i);
  const answer = `${labels[k]} ${formatPercent(s.probability(s.target, i, k))}`;
  return s.isCorrect(i) ? `${answer}, correct` : `${answer}, is ${labels[s.targets[i]]}`;
}

export function fillContent(s, parent, i) {
  parent.replaceChildren();
  addContent(s, parent, i, 96);
  htmlElement("div", {}, parent, describeSample(s, i));
}

// The sample under the pointer, beside it; hidden with i = -1.
export function showTip(s, i, [x, y]) {
  const tip = s.find("tip");
  tip.hidden = i < 0;
  if (i === s.hovered && i < 0) return;
  if (i !== s.hovered) {
    s.hovered = i;
    requestAnimationFrame(s.drawMap);
    tip.replaceChildren();
    if (i >= 0) {
      addContent(s, tip, i, 84);
      htmlElement("div", {}, tip, describeSample(s, i));
    }
  }
  const { width } = s.size;
  const isRight = x > width / 2;
  tip.style.left = isRight ? "" : `${x + 14}px`;
  tip.style.right = isRight ? `${width - x + 14}px` : "";
  tip.style.top = `${Math.max(0, y - 40)}px`;
}

// The samples of the selected group: how many are correct, and the first of them to pick from.
export function showGroup(s, pick) {
  const box = s.find("group");
  box.replaceChildren();
  if (!s.group) return;
  const members = [];
  for (let i = 0; i < s.samples; i++) if (s.group[i]) members.push(i);
  const right = members.filter(s.isCorrect).length;
  const count = `${members.length.toLocaleString("en")} selected, ${formatPercent(right / members.length)} correct`;
  htmlElement("div", { class: "dle-count" }, box, count);
  const clear = htmlElement("button", { type: "button", class: "dle-clear" }, box, "Clear");
  clear.addEventListener("click", () => s.clear());
  const listed = s.data.sheet ? MOST : s.data.texts ? MOST_TEXTS : 0;
  for (const i of members.slice(0, listed)) {
    const title = describeSample(s, i);
    const state = { type: "button", class: "dle-pick", title, "aria-label": title, "aria-pressed": i === s.sample };
    const button = htmlElement("button", state, box);
    addContent(s, button, i, 32);
    button.addEventListener("click", () => pick(i));
  }
}
