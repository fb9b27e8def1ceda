// Self-attention step by step: every cell shows its formula, and a changed number updates all that depends on it.

import { graphIn } from "../graph/view.js";
import { watch } from "../shared/theme.js";
import { attend } from "./attention.js";
import { tellFormula } from "./formula.js";
import { plain } from "./names.js";
import { settings } from "./settings.js";
import { drawLab } from "./softmax_lab.js";
import { build, fill } from "./stages.js";

function startAttention(root, data) {
  const s = {
    root,
    data,
    seed: 3,
    own: new Map(),
    chosen: { key: "A", r: 0, c: 1 },
    head: 0,
    redraw: () => redraw(s),
  };
  root.dlattention = s;
  const find = (name) => root.querySelector(`.dla-${name}`);
  s.find = find;
  s.sentence = root.querySelector(".dla-sentence input");
  s.sentence.value = data.sentence;
  for (const name of ["d", "dk", "heads", "mask", "padding", "scaled", "biases", "out", "positions"])
    find(name).onchange = () => redraw(s);
  s.sentence.oninput = () => redraw(s);
  const spread = root.querySelector(".dla-spread input");
  spread.oninput = () => {
    root.querySelector(".dla-spread output").textContent = spread.value;
    redraw(s);
  };
  find("new").onclick = () => {
    s.seed += 1;
    s.own.clear();
    redraw(s);
  };
  find("undo").onclick = () => {
    s.own.clear();
    redraw(s);
  };
  for (const input of root.querySelectorAll(".dla-edit input"))
    input.oninput = () => {
      const value = Number(input.value);
      if (Number.isFinite(value) && input.value !== "") change(s, value, input);
    };
  find("stages").onclick = (event) => {
    const td = event.target.closest("td[data-r]");
    if (td) choose2(s, td);
  };
  find("stages").onkeydown = (event) => walk(s, event);
  redraw(s);
  drawLab(s);
  watch(root, () => drawLab(s));
}

export function redraw(s) {
  const begin = performance.now();
  s.a = settings(s);
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
    build(s);
    s.shape = shape;
    s.graphStale = true;
  }
  fill(s);
  tellFormula(s);
  s.find("undo").hidden = !s.own.size;
  if (s.graphStale) {
    s.graphStale = false;
    requestAnimationFrame(() => drawOps(s));
  }
  s.root.dataset.ms = (performance.now() - begin).toFixed(2);
}

function change(s, value, input) {
  s.own.set(`${s.chosen.key}:${s.chosen.r}:${s.chosen.c}`, value);
  redraw(s);
  for (const other of s.root.querySelectorAll(".dla-edit input")) if (other !== input) other.value = value;
}

function choose2(s, td) {
  s.chosen = { key: td.dataset.key, r: Number(td.dataset.r), c: Number(td.dataset.c) };
  for (const one of td.closest("table").querySelectorAll("td[data-r]")) one.tabIndex = one === td ? 0 : -1;
  td.focus({ preventScroll: true });
  tellFormula(s);
}

function walk(s, event) {
  const td = event.target.closest("td[data-r]");
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!td || (!step && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (!step) {
    choose2(s, td);
    s.root.querySelector(".dla-edit:not([hidden]) input")?.focus();
    return;
  }
  const to = td
    .closest("table")
    .querySelector(`td[data-r="${Number(td.dataset.r) + step[0]}"][data-c="${Number(td.dataset.c) + step[1]}"]`);
  if (to) choose2(s, to);
}

function drawOps(s) {
  const operations = s.done.tape.map((one) => ({
    ...one,
    name: one.name === "positions" ? "input" : one.name,
    label: ["input"].includes(one.name) ? plain(one.key) : `${plain(one.key)} · ${one.name}`,
  }));
  graphIn(s.root.querySelector(".dla-graph .dlg"), {
    operations,
    kinds: {},
    onChoose: (one) => {
      if (!one) return;
      const head = /(\d+)$/.exec(one.key);
      if (head) {
        s.head = Number(head[1]) - 1;
        redraw(s);
      }
      const key = one.key;
      const td = s.root.querySelector(`td[data-key="${key}"]`);
      if (td) {
        choose2(s, td);
        td.closest("figure").scrollIntoView({ block: "center", behavior: "smooth" });
      }
    },
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dla");
  if (root.dataset.drawn === data.version) return;
  startAttention(root, data);
  root.dataset.drawn = data.version;
}
