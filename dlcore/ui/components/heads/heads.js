// Attention of every head of every layer over a sentence.

import { decode } from "../shared/arrays.js";
import { keep, recall } from "../shared/memory.js";
import { formatPercent } from "../shared/numbers.js";

const MEMORY = "heads";

const LINE_HEIGHT = 24;
const MIN_SHARE = 0.03;

function attentionShare(model, head, from, to) {
  const row = head * model.t + from;
  return (model.shares[row * model.t + to] / 255) * model.tops[row];
}

function element(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.textContent = text; // text, never HTML: this is user input
  return node;
}

// Attention matrix, one row per query token; square root scale makes small weights visible.
function drawThumbnail(canvas, model, head) {
  const { t } = model;
  const context = canvas.getContext("2d");
  canvas.width = t;
  canvas.height = t;
  const image = context.createImageData(t, t);
  for (let i = 0; i < t; i++)
    for (let j = 0; j < t; j++) {
      image.data.set([213, 94, 0, Math.round(255 * Math.sqrt(attentionShare(model, head, i, j)))], 4 * (i * t + j));
    }
  context.putImageData(image, 0, 0);
}

// Describes a head by the position that gets most attention on average over the tokens.
function describeHead(model, head) {
  const { t } = model;
  const offsets = { itself: 0, "the token before": -1, "the token after": 1 };
  const means = {};
  const mean = (place) => {
    let sum = 0;
    for (let i = 1; i < t - 1; i++) sum += attentionShare(model, head, i, place(i));
    return sum / Math.max(1, t - 2);
  };
  for (const [name, step] of Object.entries(offsets)) means[name] = mean((i) => i + step);
  means[model.tokens[0]] = mean(() => 0);
  means[model.tokens[t - 1]] = mean(() => t - 1);
  const [name, share] = Object.entries(means).sort((a, b) => b[1] - a[1])[0];
  return share > 0.3 ? `mostly attends to ${name} (${formatPercent(share)} on average)` : "attends to several tokens";
}

function drawHead(root, model) {
  const { head, selected, t, tokens } = model;
  const svg = root.querySelector(".dl-heads-lines");
  const to = root.querySelector(".dl-heads-to");
  svg.setAttribute("viewBox", `0 0 100 ${LINE_HEIGHT * t}`);
  svg.style.height = `${LINE_HEIGHT * t}px`;
  const lines = [];
  for (let i = 0; i < t; i++)
    for (let j = 0; j < t; j++) {
      const share = attentionShare(model, head, i, j);
      if (share < MIN_SHARE || (selected >= 0 && selected !== i)) continue;
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [name, value] of Object.entries({
        x1: 0,
        x2: 100,
        y1: LINE_HEIGHT * (i + 0.5),
        y2: LINE_HEIGHT * (j + 0.5),
      }))
        line.setAttribute(name, value);
      line.style.strokeOpacity = Math.min(1, 0.08 + share).toFixed(3);
      line.style.strokeWidth = (1 + 3 * share).toFixed(2);
      lines.push(line);
    }
  svg.replaceChildren(...lines);
  to.replaceChildren(
    ...tokens.map((word, j) => {
      let share = 0;
      if (selected >= 0) share = attentionShare(model, head, selected, j);
      else for (let i = 0; i < t; i++) share += attentionShare(model, head, i, j) / t;
      const node = element("div", "", `${word} `);
      node.style.background = `rgba(213,94,0,${(0.5 * share).toFixed(3)})`;
      if (share >= 0.05) node.append(element("b", "", formatPercent(share)));
      return node;
    }),
  );
  for (const [i, button] of root.querySelectorAll(".dl-heads-from button").entries())
    button.setAttribute("aria-pressed", i === selected);
  const name = `Layer ${Math.floor(head / model.heads) + 1}, head ${(head % model.heads) + 1}`;
  const hint =
    selected >= 0
      ? ` Shown: attention of “${tokens[selected]}”; press it again to show all.`
      : " Press a token on the left to show its attention only.";
  root.querySelector(".dl-heads-words").textContent = `${name} ${describeHead(model, head)}.${hint}`;
  svg.setAttribute("aria-label", `${name}: lines from each token to those it attends to`);
  root.dataset.head = head;
  root.dataset.selected = selected;
  keep(root, MEMORY, { head, token: selected }, { initial: { head: model.first, token: -1 }, version: model.version });
}

function selectHead(root, head) {
  const model = root.dlcoreModel;
  model.head = head;
  model.cells.forEach((cell, place) => {
    cell.setAttribute("aria-pressed", place === head);
    cell.tabIndex = place === head ? 0 : -1;
  });
  drawHead(root, model);
}

function buildGrid(root, model) {
  const grid = root.querySelector(".dl-heads-grid");
  const node = [element("div", "dl-name", "")];
  grid.style.setProperty("--dl-heads", model.heads);
  for (let head = 0; head < model.heads; head++) node.push(element("div", "dl-name dl-head", head + 1));
  model.cells = [];
  for (let place = 0; place < model.layers * model.heads; place++) {
    const layer = Math.floor(place / model.heads) + 1;
    const head = (place % model.heads) + 1;
    if (head === 1) node.push(element("div", "dl-name", `layer ${layer}`));
    const button = element("button", "", "");
    const canvas = document.createElement("canvas");
    button.type = "button";
    button.title = `Layer ${layer}, head ${head}: ${describeHead(model, place)}`;
    button.setAttribute("aria-label", button.title);
    drawThumbnail(canvas, model, place);
    button.append(canvas);
    button.addEventListener("click", () => selectHead(root, place));
    model.cells.push(button);
    node.push(button);
  }
  grid.replaceChildren(...node);
  root.querySelector(".dl-heads-from").replaceChildren(
    ...model.tokens.map((word, i) => {
      const button = element("button", "", word);
      button.type = "button";
      button.addEventListener("click", () => {
        model.selected = model.selected === i ? -1 : i;
        drawHead(root, model);
      });
      return button;
    }),
  );
}

function listen(root) {
  root.querySelector(".dl-heads-grid").addEventListener("keydown", (event) => {
    const { heads, layers, cells, head } = root.dlcoreModel;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -heads, ArrowDown: heads }[event.key];
    const next = head + step;
    if (step === undefined) return;
    event.preventDefault();
    if (next >= 0 && next < heads * layers) {
      selectHead(root, next);
      cells[next].focus();
    }
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-heads");
  if (root.dataset.version === data.version) return;
  const isFirst = root.dataset.version === undefined;
  const previous = root.dlcoreModel;
  root.dataset.version = data.version;
  const [layers, heads, t] = data.weights.shape;
  const model = {
    layers,
    heads,
    t,
    tokens: data.tokens,
    shares: decode(data.weights),
    tops: decode(data.row_max),
    selected: -1,
    first: data.first,
    version: data.version,
  };
  root.dlcoreModel = model;
  buildGrid(root, model);
  root.dlcoreTable = () => {
    const rows = [["layer", "head", "query", "key", "weight"]];
    for (let head = 0; head < layers * heads; head++)
      for (let i = 0; i < t; i++)
        for (let j = 0; j < t; j++) {
          const place = [Math.floor(head / heads) + 1, (head % heads) + 1];
          rows.push([...place, model.tokens[i], model.tokens[j], attentionShare(model, head, i, j)]);
        }
    return rows;
  };
  if (isFirst) listen(root);
  const saved = previous ? { head: previous.head } : recall(MEMORY, data.version);
  const isWithin = (value, count) => Number.isInteger(value) && value >= 0 && value < count;
  if (isWithin(saved?.token, t)) model.selected = saved.token;
  selectHead(root, isWithin(saved?.head, layers * heads) ? saved.head : data.first);
  root.dataset.drawn = data.version;
}
