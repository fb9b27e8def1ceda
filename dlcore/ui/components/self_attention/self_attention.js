// Self-attention step by step: every cell shows its formula, and a changed number updates all that depends on it.

import { showGraph } from "../graph/view.js";
import { keep, recall } from "../shared/memory.js";
import { onThemeChange } from "../shared/theme.js";
import { attend } from "./attention.js";
import { updateFormula } from "./formula.js";
import { symbolText } from "./names.js";
import { MOST_WORDS, readSettings } from "./settings.js";
import { drawSoftmaxLab } from "./softmax_lab.js";
import { buildStages, fillValues } from "./stages.js";

const CONTROLS = ["d", "dk", "heads", "mask", "padding", "scaled", "biases", "out", "positions"];
const MEMORY = "self-attention";

// Puts back what was set before another panel was opened or the page was reloaded.
function restore(s, scale) {
  const saved = recall(MEMORY);
  if (!saved) return;
  s.sentence.value = saved.sentence ?? s.sentence.value;
  for (const name of CONTROLS.filter((name) => name in saved)) {
    const input = s.find(name);
    if (input.type === "checkbox") input.checked = saved[name];
    else input.value = saved[name];
    if (input.selectedIndex === -1) input.value = s.initial[name]; // no such choice
  }
  scale.value = saved.scale ?? scale.value;
  s.seed = Number(saved.seed ?? s.seed) || 0;
  const edits = Object.entries(saved.edits ?? {});
  s.edits = new Map(edits.filter(([, value]) => Number.isFinite(value)));
}

function readFields(s) {
  return {
    sentence: s.sentence.value,
    ...Object.fromEntries(
      CONTROLS.map((name) => [name, s.find(name).type === "checkbox" ? s.find(name).checked : s.find(name).value]),
    ),
    scale: s.root.querySelector(".dla-spread input").value,
    seed: s.seed,
    edits: Object.fromEntries(s.edits),
  };
}

function start(root, data) {
  const s = {
    root,
    data,
    seed: 3,
    edits: new Map(),
    chosen: { key: "A", r: 0, c: 1 },
    head: 0,
    redraw: () => redraw(s),
  };
  root.dlattention = s;
  const control = (name) => root.querySelector(`.dla-${name}`);
  s.find = control;
  s.sentence = root.querySelector(".dla-sentence input");
  s.sentence.value = data.sentence;
  const scale = root.querySelector(".dla-spread input");
  s.initial = readFields(s);
  restore(s, scale);
  for (const name of CONTROLS) control(name).onchange = () => redraw(s);
  s.sentence.oninput = () => redraw(s);
  scale.oninput = () => redraw(s);
  control("new").onclick = () => {
    s.seed += 1;
    s.edits.clear();
    redraw(s);
  };
  control("undo").onclick = () => {
    s.edits.clear();
    redraw(s);
  };
  for (const input of root.querySelectorAll(".dla-edit input"))
    input.oninput = () => {
      const value = Number(input.value);
      if (Number.isFinite(value) && input.value !== "") editCell(s, value, input);
    };
  control("stages").onclick = (event) => {
    const td = event.target.closest("td[data-r]");
    if (td) selectCell(s, td);
  };
  control("stages").onkeydown = (event) => onKey(s, event);
  redraw(s);
  drawSoftmaxLab(s);
  onThemeChange(root, () => drawSoftmaxLab(s));
}

export function redraw(s) {
  const begin = performance.now();
  s.a = readSettings(s);
  s.done = attend(s.a);
  s.head = Math.min(s.head, s.a.heads - 1);
  const shape = JSON.stringify([
    s.a.tokens,
    s.a.x.cols,
    s.a.Wq.cols,
    s.a.heads,
    s.a.scaled,
    s.a.causal || s.a.padding > 0,
    s.a.padding,
    s.a.positions,
    !!s.a.Wo,
    !!s.a.bq,
    s.head,
  ]);
  if (shape !== s.shape) {
    buildStages(s);
    s.shape = shape;
    s.graphStale = true;
  }
  fillValues(s);
  updateFormula(s);
  s.find("undo").hidden = !s.edits.size;
  s.root.querySelector(".dla-spread output").textContent = s.root.querySelector(".dla-spread input").value;
  s.find("cut").hidden = s.a.words <= MOST_WORDS;
  s.find("cut").textContent = `The first ${MOST_WORDS} of ${s.a.words} words are used.`;
  keep(s.root, MEMORY, readFields(s), { initial: s.initial });
  if (s.graphStale) {
    s.graphStale = false;
    requestAnimationFrame(() => drawGraph(s));
  }
  s.root.dataset.ms = (performance.now() - begin).toFixed(2);
}

function editCell(s, value, input) {
  s.edits.set(`${s.chosen.key}:${s.chosen.r}:${s.chosen.c}`, value);
  redraw(s);
  for (const other of s.root.querySelectorAll(".dla-edit input")) if (other !== input) other.value = value;
}

function selectCell(s, td) {
  s.chosen = { key: td.dataset.key, r: Number(td.dataset.r), c: Number(td.dataset.c) };
  for (const operation of td.closest("table").querySelectorAll("td[data-r]"))
    operation.tabIndex = operation === td ? 0 : -1;
  td.focus({ preventScroll: true });
  updateFormula(s);
}

function onKey(s, event) {
  const td = event.target.closest("td[data-r]");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!td || (!step && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (!step) {
    selectCell(s, td);
    s.root.querySelector(".dla-edit:not([hidden]) input")?.focus();
    return;
  }
  const to = td
    .closest("table")
    .querySelector(`td[data-r="${Number(td.dataset.r) + step[0]}"][data-c="${Number(td.dataset.c) + step[1]}"]`);
  if (to) selectCell(s, to);
}

function drawGraph(s) {
  const operations = s.done.tape.map((operation) => ({
    ...operation,
    name: operation.name === "positions" ? "input" : operation.name,
    label: ["input"].includes(operation.name)
      ? symbolText(operation.key)
      : `${symbolText(operation.key)} · ${operation.name}`,
  }));
  showGraph(s.root.querySelector(".dla-graph .dlg"), {
    operations,
    kinds: {},
    onChoose: (operation) => {
      if (!operation) return;
      const head = /(\d+)$/.exec(operation.key);
      if (head) {
        s.head = Number(head[1]) - 1;
        redraw(s);
      }
      const key = operation.key;
      const td = s.root.querySelector(`td[data-key="${key}"]`);
      if (td) {
        td.closest("details")?.setAttribute("open", "");
        selectCell(s, td);
        td.closest("figure").scrollIntoView({ block: "center", behavior: "smooth" });
      }
    },
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dla");
  if (root.dataset.drawn === data.version) return;
  start(root, data);
  root.dataset.drawn = data.version;
}
