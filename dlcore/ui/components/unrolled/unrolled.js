// A recurrent network unrolled over time; a click shows one unit at one step.

import { decode } from "../shared/arrays.js";
import { D, sub } from "../shared/formula.js";
import { badge, plain, said, sumTable } from "../shared/numbers.js";
import { theme, watch } from "../shared/theme.js";
import { drawChain, drawGrid, drawLengths } from "./charts.js";

function opened(state) {
  const { t, d, D: width, F } = state;
  const before = (unit) => (t > 1 ? state.states[(t - 2) * width + unit] : 0);
  const now = state.states[(t - 1) * width + d];
  if (!state.weight)
    return `<div class="dl-wide"><h4>Unit ${d} after step ${t}: ${said(now)}</h4><p>An LSTM, trained by autograd: its cell ${sub("c", "t")} is handed on as ${sub("c", "t")} = <i>f</i> ${sub("c", "t−1")} + <i>i</i> <i>g</i>, so backward it is multiplied by the forget gate <i>f</i> alone, which can stay near 1. Gradient by the cell here: <b>${said(state.byStep[(t - 1) * width + d])}</b>.</p></div>`;
  const terms = [];
  for (let f = 0; f < F; f++)
    terms.push({ name: `${sub("x", t, f)}`, a: state.x[(t - 1) * F + f], b: state.weight[d * F + f] });
  for (let e = 0; e < width; e++)
    terms.push({ name: `${sub("h", t - 1, e)}`, a: before(e), b: state.recurrent[d * width + e] });
  let a = state.bias[d];
  for (const one of terms) {
    one.product = one.a * one.b;
    a += one.product;
  }
  const forward = `<div><h4>Forward: unit ${d} at step ${t}</h4><p class="dl-formula">${sub("h", "t")} = tanh(<i>W</i> ${sub("x", "t")} + <i>U</i> ${sub("h", "t−1")} + <i>b</i>)</p>${sumTable(["from", "value", "weight", "product"], terms, a, { start: { name: `bias ${sub("b", d)}`, value: state.bias[d] }, most: 5 })}<p>tanh(${said(a)}) = <b>${said(now)}</b></p></div>`;
  const e = state.byStep[(t - 1) * width + d];
  if (t === state.T)
    return `${forward}<div><h4>Backward: at the last step</h4><p class="dl-formula">${D(sub("h", "T"))} comes from the scores</p><p>${D(sub("h", t, d))} = <b>${said(e)}</b></p>${badge(state.error)}</div>`;
  const back = [];
  for (let u = 0; u < width; u++) {
    const h = state.states[t * width + u];
    const delta = state.byStep[t * width + u] * (1 - h * h);
    const weight = state.recurrent[u * width + d];
    back.push({ name: `unit ${u}`, a: delta, b: weight, product: delta * weight });
  }
  return `${forward}<div><h4>Backward: from step ${t + 1} to step ${t}</h4><p class="dl-formula">${sub("e", "t")} = (${sub("e", "t+1")} · (1 − ${sub("h", "t+1")}<sup>2</sup>)) <i>U</i></p>${sumTable(["through", "e (1−h²)", "U", "product"], back, e, { most: 5 })}${badge(state.error)}</div>`;
}

function draw(root) {
  const begin = performance.now();
  const state = root.dlcore;
  const colours = theme(root);
  const find = (name) => root.querySelector(name);
  find(".dl-walk-where").textContent = `Time step ${state.t} of ${state.T}, unit ${state.d}`;
  const slide = find("input");
  slide.max = state.T;
  slide.value = state.t;
  find(".dl-walk-back").disabled = state.t === 1;
  find(".dl-walk-next").disabled = state.t === state.T;
  drawChain(find(".dl-chain"), state, colours);
  drawGrid(find(".dl-read"), state, state.x, state.F, 84, colours);
  drawGrid(find(".dl-states"), state, state.states, state.D, 170, colours, state.d);
  find(".dl-states").setAttribute(
    "aria-label",
    `States of ${state.D} units over ${state.T} steps; unit ${state.d} after step ${state.t} is ${plain(state.states[(state.t - 1) * state.D + state.d])}. Arrow keys choose another.`,
  );
  drawLengths(find(".dl-lengths"), state, colours);
  const [first, last] = [state.lengths[0], state.lengths[state.T - 1]];
  find(".dl-lengths").setAttribute(
    "aria-label",
    `Gradient of ${plain(first)} at the first step and ${plain(last)} at the last`,
  );
  find(".dl-walk-legend").innerHTML =
    `Gradient: ${said(last)} at the last step, <b>${said(first)}</b> at the first; here ${said(state.lengths[state.t - 1])}. The bars' ground is at 10<sup>${state.scale[0]}</sup>, their top at 10<sup>${state.scale[1]}</sup>. Orange above 0, blue below. Click a column or a unit, or use the arrow keys.`;
  find(".dl-walk-open").innerHTML = opened(state);
  root.dataset.drawn = `${state.t}-${state.d}`;
  root.dataset.took = (performance.now() - begin).toFixed(1);
}

function listen(root) {
  const go = (t, d) => {
    const s = root.dlcore;
    s.t = Math.max(1, Math.min(s.T, t));
    s.d = Math.max(0, Math.min(s.D - 1, d));
    draw(root);
  };
  root.querySelector(".dl-walk-back").addEventListener("click", () => go(root.dlcore.t - 1, root.dlcore.d));
  root.querySelector(".dl-walk-next").addEventListener("click", () => go(root.dlcore.t + 1, root.dlcore.d));
  root.querySelector("input").addEventListener("input", (event) => go(Number(event.target.value), root.dlcore.d));
  for (const name of [".dl-chain", ".dl-read", ".dl-states", ".dl-lengths"]) {
    const canvas = root.querySelector(name);
    canvas.addEventListener("pointerdown", (event) => {
      const s = root.dlcore;
      const t = Math.floor((event.offsetX / canvas.clientWidth) * s.T) + 1;
      go(t, name === ".dl-states" ? Math.floor((event.offsetY / canvas.clientHeight) * s.D) : s.d);
    });
  }
  root.querySelector(".dl-states").addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    go(root.dlcore.t + move[0], root.dlcore.d + move[1]);
  });
  new ResizeObserver(() => {
    if (root.dlcore && root.clientWidth !== root.dlcore.wide) {
      root.dlcore.wide = root.clientWidth;
      draw(root);
    }
  }).observe(root);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-unrolled");
  if (root.dlcore?.version === data.version) return;
  const first = !root.dlcore;
  const [T, D] = data.states.shape;
  const byStep = decode(data.byStep);
  const lengths = Array.from({ length: T }, (_, t) =>
    Math.sqrt(byStep.subarray(t * D, (t + 1) * D).reduce((sum, value) => sum + value * value, 0)),
  );
  root.dlcore = {
    version: data.version,
    T,
    D,
    F: data.x.shape[1],
    x: decode(data.x),
    states: decode(data.states),
    byStep,
    lengths,
    error: data.error,
    t: T,
    d: 0,
    wide: root.clientWidth,
  };
  for (const name of ["weight", "recurrent", "bias"]) if (data[name]) root.dlcore[name] = decode(data[name]);
  if (first) listen(root);
  draw(root);
  watch(root, () => draw(root));
}
