// Predictions by epoch: embedding, confusion matrix and one sample's probabilities, all at the epoch of a slider.

import { decode } from "../shared/arrays.js";
import { keep, recall } from "../shared/memory.js";
import { onThemeChange, readTheme } from "../shared/theme.js";
import { listenToMap } from "./brush.js";
import { cellAt, countCells, drawCourse, drawMap, drawMatrix } from "./drawing.js";
import { fillContent, showGroup, showTip } from "./samples.js";

const MEMORY = "epochs";
const MOVE_MS = 240; // from one epoch to the next
const PLAY_MS = 650;

function createState(root, data) {
  const [epochs, samples, classes] = data.scores.shape;
  const s = {
    root,
    data,
    epochs,
    samples,
    classes,
    at: 0,
    target: 0,
    sample: 0,
    group: null,
    hovered: -1,
    brush: null,
  };
  for (const name of ["ids", "targets", "predicted", "scores", "points"]) s[name] = decode(data[name]);
  s.bounds = [Infinity, -Infinity, Infinity, -Infinity]; // left, right, bottom, top over all epochs
  s.points.forEach((value, i) => {
    const axis = 2 * (i % 2);
    s.bounds[axis] = Math.min(s.bounds[axis], value);
    s.bounds[axis + 1] = Math.max(s.bounds[axis + 1], value);
  });
  s.find = (name) => root.querySelector(`.dle-${name}`);
  s.canvas = (name) => s.find(name).querySelector("canvas");
  s.predictedAt = (i) => s.predicted[s.target * samples + i];
  s.probability = (epoch, i, k) => s.scores[(epoch * samples + i) * classes + k] / 255;
  s.isCorrect = (i) => s.predictedAt(i) === s.targets[i];
  s.isShown = (i) => s.group === null || s.group[i] === 1;
  return s;
}

// Where the points are between two epochs, in units of the embedding.
function placePoints(s) {
  const from = Math.floor(s.at);
  const share = s.at - from;
  const start = 2 * s.samples * from;
  const next = Math.min(s.epochs - 1, from + 1) * 2 * s.samples;
  s.places ??= new Float32Array(2 * s.samples);
  for (let i = 0; i < s.places.length; i++)
    s.places[i] = s.points[start + i] * (1 - share) + s.points[next + i] * share;
}

function drawMoving(s) {
  placePoints(s);
  drawMap(s);
}

function drawAll(s) {
  s.colors = readTheme(s.root);
  drawMoving(s);
  s.counts = countCells(s);
  drawMatrix(s);
  drawCourse(s);
}

function describe(s) {
  let right = 0;
  for (let i = 0; i < s.samples; i++) right += s.isCorrect(i);
  const [samples, total] = [s.samples, s.data.total].map((count) => count.toLocaleString("en"));
  const part = samples === total ? total : `${samples} of ${total}`;
  const best = s.data.epochs[s.target] === s.data.best ? ", the best" : "";
  const epoch = `Epoch ${s.data.epochs[s.target]} of ${s.data.epochs[s.epochs - 1]}${best}`;
  return [epoch, `${((100 * right) / s.samples).toFixed(1)} % of ${part} validation samples correct`];
}

function updateTexts(s) {
  const [epoch, accuracy] = describe(s);
  s.find("say").textContent = `${epoch}: ${accuracy}`;
  s.find("slider").value = s.target;
  s.find("slider").setAttribute("aria-valuetext", epoch);
  const preserved = s.data.preserved[s.target].toFixed(2);
  s.find("key").textContent = `✕ incorrect. Drag to select a group. Neighbors kept (trustworthiness): ${preserved}.`;
  s.find("key").title =
    "Penultimate features, projected orthogonally and turned to match the next epoch (Procrustes). " +
    "1: no sample has a neighbor in the embedding that is far away in the features.";
  s.canvas("map").setAttribute("aria-label", `Embedding. ${epoch}, ${accuracy}. Arrow keys select a sample.`);
}

function showSample(s) {
  const i = s.sample;
  const name = s.find("name");
  name.textContent = `Sample ${s.ids[i].toLocaleString("en")}`;
  fillContent(s, s.find("content"), i);
  showGroup(s, (chosen) => select(s, chosen));
}

function save(s) {
  const fields = { epoch: s.data.epochs[s.target], sample: s.sample, color: s.color };
  keep(s.root, MEMORY, fields, { initial: s.initial, version: s.data.version });
}

// Moves to an epoch; points glide there unless less motion is preferred.
function goTo(s, target) {
  s.target = target;
  updateTexts(s);
  showSample(s);
  s.counts = countCells(s);
  drawMatrix(s);
  drawCourse(s);
  save(s);
  cancelAnimationFrame(s.frame);
  const from = s.at;
  const begin = performance.now();
  const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MOVE_MS;
  const step = (now) => {
    const share = now - begin >= duration ? 1 : Math.max(0, now - begin) / duration;
    s.at = from + (target - from) * share;
    drawMoving(s);
    s.root.dataset.at = s.at.toFixed(2);
    if (share < 1) s.frame = requestAnimationFrame(step);
  };
  s.frame = requestAnimationFrame(step);
}

function select(s, i) {
  s.sample = i;
  s.root.dataset.sample = s.ids[i];
  showSample(s);
  drawMap(s);
  drawCourse(s);
  save(s);
}

function selectGroup(s, mask) {
  s.group = mask;
  showSample(s);
  s.counts = countCells(s);
  drawMap(s);
  drawMatrix(s);
  const size = mask?.reduce((sum, value) => sum + value, 0) ?? 0;
  s.root.dataset.group = size;
  s.find("live").textContent = mask ? `${size} samples selected` : "Selection cleared";
}

function play(s, isOn) {
  clearInterval(s.timer);
  s.timer = 0;
  s.find("play").textContent = isOn ? "Pause" : "Play";
  s.find("play").setAttribute("aria-pressed", isOn);
  if (!isOn) return;
  if (s.target === s.epochs - 1) goTo(s, 0);
  s.timer = setInterval(() => {
    if (!s.root.isConnected || s.target >= s.epochs - 1) play(s, false);
    else goTo(s, s.target + 1);
  }, PLAY_MS);
}

function listen(s) {
  s.drawMap = () => drawMap(s);
  s.clear = () => selectGroup(s, null);
  const slider = s.find("slider");
  slider.oninput = () => {
    play(s, false);
    goTo(s, Number(slider.value));
  };
  s.find("play").onclick = () => play(s, !s.timer);
  s.find("color").onchange = (event) => {
    s.color = event.target.value;
    drawMap(s);
    save(s);
  };
  s.find("matrix").onclick = (event) => {
    const cell = cellAt(s, event);
    if (!cell) return;
    const isIn = (_, i) => s.targets[i] === cell[0] && s.predictedAt(i) === cell[1];
    const mask = Uint8Array.from({ length: s.samples }, isIn);
    selectGroup(s, mask.some(Boolean) ? mask : null);
    const first = mask.indexOf(1);
    if (first >= 0) select(s, first);
  };
  listenToMap(s, {
    hover: (i, place) => showTip(s, i, place),
    pick: (i) => select(s, i),
    brush: (mask) => selectGroup(s, mask),
    redraw: s.drawMap,
  });
  s.canvas("map").onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") selectGroup(s, null);
    if (!step) return;
    event.preventDefault();
    let next = s.sample;
    do next = (next + step + s.samples) % s.samples;
    while (!s.isShown(next) && next !== s.sample);
    select(s, next);
  };
}

function* tableOf(s, figure) {
  const { labels, epochs } = s.data;
  if (figure.matches(".dle-matrix")) {
    yield ["actual", ...labels];
    for (const [k, label] of labels.entries()) yield [label, ...s.counts.slice(k * s.classes, (k + 1) * s.classes)];
  } else if (figure.matches(".dle-course")) {
    yield ["epoch", ...labels];
    for (const [e, epoch] of epochs.entries()) yield [epoch, ...labels.map((_, k) => s.probability(e, s.sample, k))];
  } else {
    yield ["sample", "actual", "predicted", "x", "y"];
    for (let i = 0; i < s.samples; i++)
      yield [s.ids[i], labels[s.targets[i]], labels[s.predictedAt(i)], s.places[2 * i], s.places[2 * i + 1]];
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dle");
  if (root.dataset.drawn === data.version) return;
  clearInterval(root.dlcore?.timer);
  cancelAnimationFrame(root.dlcore?.frame);
  const s = createState(root, data);
  root.dlcore = s;
  const bestIndex = data.epochs.indexOf(data.best);
  s.target = bestIndex < 0 ? s.epochs - 1 : bestIndex;
  s.color = "actual";
  s.initial = { epoch: data.epochs[s.target], sample: 0, color: s.color };
  const saved = recall(MEMORY, data.version);
  if (data.epochs.includes(saved?.epoch)) s.target = data.epochs.indexOf(saved.epoch);
  if (Number.isInteger(saved?.sample) && saved.sample >= 0 && saved.sample < s.samples) s.sample = saved.sample;
  if (saved?.color === "predicted") s.color = saved.color;
  s.at = s.target;
  s.find("slider").max = s.epochs - 1;
  s.find("color").value = s.color;
  root.dataset.sample = s.ids[s.sample];
  listen(s);
  updateTexts(s);
  showSample(s);
  root.dlcoreSize?.disconnect();
  root.dlcoreSize = new ResizeObserver(() => drawAll(s));
  root.dlcoreSize.observe(root);
  root.dlcoreDraw = () => drawAll(s);
  root.dlcoreTable = (figure) => tableOf(s, figure);
  onThemeChange(root, root.dlcoreDraw);
  drawAll(s);
  root.dataset.at = s.at.toFixed(2);
  root.dataset.drawn = data.version;
}
