// Attention maps of a vision transformer: point at a patch to see what it attends to.

import { decode } from "../shared/arrays.js";
import { keep, recall } from "../shared/memory.js";
import { formatPercent } from "../shared/numbers.js";

const MEMORY = "patch";

const ORANGE = "213,94,0";

// The image at its original size; every map is drawn over it.
function renderImage(data) {
  const [height, width] = data.size;
  const pixels = decode(data.image);
  const colors = pixels.length / (height * width);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[colors * i + (colors === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Draws one map over the image: `values` by patch, the largest in full color; the query patch is framed.
function drawMap(canvas, model, values, query, veil) {
  const [rows, columns] = model.grid;
  const { patch } = model;
  const scale = Math.max(1, Math.round(224 / (columns * patch)));
  const context = canvas.getContext("2d");
  canvas.width = columns * patch * scale;
  canvas.height = rows * patch * scale;
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(model.image, 0, 0, model.image.width * scale, model.image.height * scale);
  const side = patch * scale;
  if (values) {
    context.fillStyle = `rgba(0,0,0,${veil})`;
    context.fillRect(0, 0, canvas.width, canvas.height);
    const max = Math.max(...values, 1e-12);
    values.forEach((value, patchIndex) => {
      context.fillStyle = `rgba(${ORANGE},${((0.92 * value) / max).toFixed(3)})`;
      context.fillRect((patchIndex % columns) * side, Math.floor(patchIndex / columns) * side, side, side);
    });
  }
  if (query > 0) {
    const patchIndex = query - 1;
    const x = (patchIndex % columns) * side;
    const y = Math.floor(patchIndex / columns) * side;
    const line = Math.max(2, side / 9);
    context.lineWidth = line;
    context.strokeStyle = "#fff";
    context.strokeRect(x + line / 2, y + line / 2, side - line, side - line);
    context.lineWidth = line / 2;
    context.strokeStyle = "#0072B2";
    context.strokeRect(x + line / 2, y + line / 2, side - line, side - line);
  }
}

// Attention weights (T,) of one query in one head, the class token first.
function attentionRow(model, block, head, query) {
  const { t, heads } = model;
  const row = (block * heads + head) * t + query;
  const shares = [];
  for (let i = 0; i < t; i++) shares.push((model.shares[row * t + i] / 255) * model.tops[row]);
  return shares;
}

function patchName(model, query) {
  const columns = model.grid[1];
  return query === 0
    ? "the class token"
    : `the patch in row ${Math.floor((query - 1) / columns) + 1}, column ${((query - 1) % columns) + 1}`;
}

function build(root, model) {
  const grid = root.querySelector(".dl-attention-grid");
  grid.textContent = "";
  grid.style.setProperty("--dl-heads", model.heads);
  root.style.setProperty("--dl-aspect", `${model.grid[1]} / ${model.grid[0]}`);
  const add = (name, text) => {
    const element = document.createElement("div");
    element.className = name;
    element.textContent = text;
    grid.append(element);
    return element;
  };
  add("dl-name", "");
  for (let head = 0; head < model.heads; head++) add("dl-name dl-head", `head ${head + 1}`);
  model.cells = [];
  for (let block = 0; block < model.blocks; block++) {
    add("dl-name", `block ${block + 1}`);
    for (let head = 0; head < model.heads; head++) {
      const cell = add("dl-cell", "");
      const canvas = document.createElement("canvas");
      const caption = document.createElement("p");
      canvas.setAttribute("role", "img");
      cell.append(canvas, caption);
      model.cells.push({ block, head, canvas, caption });
    }
  }
}

function show(root, model, query) {
  model.query = query;
  root.dataset.query = query;
  drawMap(root.querySelector(".dl-attention-picture"), model, null, query, 0);
  const whole = Array.from(model.rolled.slice(query * model.t, (query + 1) * model.t));
  drawMap(root.querySelector(".dl-attention-rollout"), model, whole.slice(1), query, 0.35);
  let sharpest = null;
  for (const cell of model.cells) {
    const row = attentionRow(model, cell.block, cell.head, query);
    const patches = row.slice(1);
    const max = Math.max(...patches);
    drawMap(cell.canvas, model, patches, query, 0.35);
    cell.caption.textContent = `max ${formatPercent(max)}`;
    const patchIndex = patches.indexOf(max) + 1;
    const caption =
      `Block ${cell.block + 1}, head ${cell.head + 1}: ${patchName(model, query)} attends most to ` +
      `${patchName(model, patchIndex)}, ${formatPercent(max)}; to the class token ${formatPercent(row[0])}`;
    cell.canvas.setAttribute("aria-label", caption);
    cell.canvas.title = caption;
    if (!sharpest || max > sharpest.most) sharpest = { most: max, place: patchIndex, ...cell };
  }
  root.querySelector(".dl-attention-words").textContent =
    `${patchName(model, query).replace("the", "The")} is the query. ` +
    `Sharpest: block ${sharpest.block + 1}, head ${sharpest.head + 1}, ` +
    `at ${patchName(model, sharpest.place)} (${formatPercent(sharpest.most)}).`;
}

function save(root) {
  keep(root, MEMORY, { query: root.dlcoreModel.query }, { initial: { query: 0 } });
}

function listen(root) {
  const model = () => root.dlcoreModel;
  const onPointer = (event) => {
    const canvas = event.target.closest("canvas");
    if (!canvas || canvas.classList.contains("dl-attention-rollout")) return;
    const box = canvas.getBoundingClientRect();
    const [rows, columns] = model().grid;
    const column = Math.min(columns - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * rows)));
    const query = 1 + row * columns + column;
    if (query !== model().query) show(root, model(), query);
  };
  root.addEventListener("pointermove", onPointer);
  root.addEventListener("pointerdown", onPointer);
  root.addEventListener("pointerleave", () => save(root));
  root.addEventListener("click", () => save(root));
  root.querySelector(".dl-attention-token").addEventListener("click", () => show(root, model(), 0));
  root.querySelector(".dl-attention-picture").addEventListener("keydown", (event) => {
    const [rows, columns] = model().grid;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (event.key === "Escape") show(root, model(), 0);
    else if (event.key in steps) {
      const next = model().query ? model().query + steps[event.key] : 1;
      if (next >= 1 && next <= rows * columns) show(root, model(), next);
    } else return;
    save(root);
    event.preventDefault();
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-attention");
  if (root.dataset.version === data.version) return;
  const isFirst = root.dataset.version === undefined;
  const previous = root.dlcoreModel;
  root.dataset.version = data.version;
  const [blocks, heads, t] = data.weights.shape;
  const model = {
    blocks,
    heads,
    t,
    grid: data.grid,
    patch: data.patch,
    image: renderImage(data),
    shares: decode(data.weights),
    tops: decode(data.row_max),
    rolled: decode(data.rollout),
    query: 0,
  };
  root.dlcoreModel = model;
  build(root, model);
  root.dlcoreTable = () => [
    ["block", "head", "query", "key", "weight"],
    ...model.cells.flatMap(({ block, head }) =>
      attentionRow(model, block, head, model.query).map((value, key) => [block + 1, head + 1, model.query, key, value]),
    ),
  ];
  if (isFirst) listen(root);
  const query = previous ? previous.query : recall(MEMORY)?.query;
  show(root, model, Number.isInteger(query) && query >= 0 && query < t ? query : 0);
  save(root);
  root.dataset.drawn = data.version;
}
