// A recurrent network unrolled over time; a click shows one unit at one step.

import { decode } from "../shared/arrays.js";
import { partial, subscript } from "../shared/formula.js";
import { markup, setMarkup } from "../shared/markup.js";
import { keep, recall } from "../shared/memory.js";
import { autogradBadge, formatNumber, formatPlain, sumTable } from "../shared/numbers.js";
import { onThemeChange, readTheme } from "../shared/theme.js";
import { drawChain, drawGrid, drawLengths } from "./charts.js";

function describeUnit(state) {
  const { t, d, D: width, F } = state;
  const previousState = (unit) => (t > 1 ? state.states[(t - 2) * width + unit] : 0);
  const current = state.states[(t - 1) * width + d];
  if (!state.weight)
    return markup`<div class="dl-wide"><h4>Unit ${d} after step ${t}: ${formatNumber(current)}</h4>
      <p>LSTM, trained by autograd: ${subscript("c", "t")} = <i>f</i> ${subscript("c", "t−1")} + <i>i</i> <i>g</i>.
      In the backward pass the cell gradient is multiplied by the forget gate <i>f</i> only, which can stay near 1.
      Cell gradient: <b>${formatNumber(state.byStep[(t - 1) * width + d])}</b>.</p></div>`;
  const terms = [];
  for (let f = 0; f < F; f++)
    terms.push({ name: () => subscript("x", t, f), a: state.x[(t - 1) * F + f], b: state.weight[d * F + f] });
  for (let e = 0; e < width; e++)
    terms.push({ name: () => subscript("h", t - 1, e), a: previousState(e), b: state.recurrent[d * width + e] });
  let a = state.bias[d];
  for (const term of terms) {
    term.product = term.a * term.b;
    a += term.product;
  }
  const update = markup`<i>W</i> ${subscript("x", "t")} + <i>U</i> ${subscript("h", "t−1")} + <i>b</i>`;
  const bias = { name: markup`bias ${subscript("b", d)}`, value: state.bias[d] };
  const forward = markup`<div><h4>Forward: unit ${d} at step ${t}</h4>
    <p class="dl-formula">${subscript("h", "t")} = tanh(${update})</p>
    ${sumTable(["from", "value", "weight", "product"], terms, a, { start: bias, maxRows: 5 })}
    <p>tanh(${formatNumber(a)}) = <b>${formatNumber(current)}</b></p></div>`;
  const e = state.byStep[(t - 1) * width + d];
  if (t === state.T)
    return markup`${forward}<div><h4>Backward: at the last step</h4>
      <p class="dl-formula">${partial(subscript("h", "T"))} from the logits</p>
      <p>${partial(subscript("h", t, d))} = <b>${formatNumber(e)}</b></p>${autogradBadge(state.error)}</div>`;
  const back = [];
  for (let u = 0; u < width; u++) {
    const h = state.states[t * width + u];
    const delta = state.byStep[t * width + u] * (1 - h * h);
    const weight = state.recurrent[u * width + d];
    back.push({ name: () => `unit ${u}`, a: delta, b: weight, product: delta * weight });
  }
  const gradient = markup`(${subscript("e", "t+1")} · (1 − ${subscript("h", "t+1")}<sup>2</sup>)) <i>U</i>`;
  return markup`${forward}<div><h4>Backward: from step ${t + 1} to step ${t}</h4>
    <p class="dl-formula">${subscript("e", "t")} = ${gradient}</p>
    ${sumTable(["through", "e (1−h²)", "U", "product"], back, e, { maxRows: 5 })}
    ${autogradBadge(state.error)}</div>`;
}

function draw(root) {
  const started = performance.now();
  const state = root.dlcore;
  const colors = readTheme(root);
  const query = (name) => root.querySelector(name);
  query(".dl-walk-where").textContent = `Time step ${state.t} of ${state.T}, unit ${state.d}`;
  const slider = query("input");
  slider.max = state.T;
  slider.value = state.t;
  query(".dl-walk-back").disabled = state.t === 1;
  query(".dl-walk-next").disabled = state.t === state.T;
  drawChain(query(".dl-chain"), state, colors);
  drawGrid(query(".dl-read"), state, state.x, state.F, 56, colors);
  drawGrid(query(".dl-states"), state, state.states, state.D, 120, colors, state.d);
  query(".dl-states").setAttribute(
    "aria-label",
    `States of ${state.D} units over ${state.T} steps; unit ${state.d} after step ${state.t} is ` +
      `${formatPlain(state.states[(state.t - 1) * state.D + state.d])}. Arrow keys select another.`,
  );
  drawLengths(query(".dl-lengths"), state, colors);
  const [first, last] = [state.lengths[0], state.lengths[state.T - 1]];
  query(".dl-lengths").setAttribute(
    "aria-label",
    `Gradient of ${formatPlain(first)} at the first step and ${formatPlain(last)} at the last`,
  );
  setMarkup(
    query(".dl-walk-legend"),
    markup`Gradient norm: ${formatNumber(last)} at the last step, <b>${formatNumber(first)}</b> at the first;
    here ${formatNumber(state.lengths[state.t - 1])}. Axis from 10<sup>${state.scale[0]}</sup> to
    10<sup>${state.scale[1]}</sup>. Orange: positive, blue: negative. Click a column or unit, or use the arrow keys.`,
  );
  setMarkup(query(".dl-walk-open"), describeUnit(state));
  root.dataset.drawn = `${state.t}-${state.d}`;
  root.dataset.took = (performance.now() - started).toFixed(1);
}

const MEMORY = "unrolled";

function listen(root) {
  const select = (t, d) => {
    const s = root.dlcore;
    s.t = Math.max(1, Math.min(s.T, t));
    s.d = Math.max(0, Math.min(s.D - 1, d));
    keep(root, MEMORY, { t: s.t, d: s.d }, { initial: { t: s.T, d: 0 }, version: s.version });
    draw(root);
  };
  root.querySelector(".dl-walk-back").addEventListener("click", () => select(root.dlcore.t - 1, root.dlcore.d));
  root.querySelector(".dl-walk-next").addEventListener("click", () => select(root.dlcore.t + 1, root.dlcore.d));
  root.querySelector("input").addEventListener("input", (event) => select(Number(event.target.value), root.dlcore.d));
  for (const name of [".dl-chain", ".dl-read", ".dl-states", ".dl-lengths"]) {
    const canvas = root.querySelector(name);
    canvas.addEventListener("pointerdown", (event) => {
      const s = root.dlcore;
      const t = Math.floor((event.offsetX / canvas.clientWidth) * s.T) + 1;
      select(t, name === ".dl-states" ? Math.floor((event.offsetY / canvas.clientHeight) * s.D) : s.d);
    });
  }
  root.querySelector(".dl-states").addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    select(root.dlcore.t + move[0], root.dlcore.d + move[1]);
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
  const norms = Array.from({ length: T }, (_, t) =>
    Math.sqrt(byStep.subarray(t * D, (t + 1) * D).reduce((sum, value) => sum + value * value, 0)),
  );
  const saved = recall(MEMORY, data.version);
  const within = (value, low, high, initial) =>
    Math.max(low, Math.min(high, Math.round(Number(value ?? initial)) || 0));
  root.dlcore = {
    version: data.version,
    T,
    D,
    F: data.x.shape[1],
    x: decode(data.x),
    states: decode(data.states),
    byStep,
    lengths: norms,
    error: data.error,
    t: within(saved?.t, 1, T, T),
    d: within(saved?.d, 0, D - 1, 0),
    wide: root.clientWidth,
  };
  for (const name of ["weight", "recurrent", "bias"]) if (data[name]) root.dlcore[name] = decode(data[name]);
  if (first) listen(root);
  root.dlcoreTable = () => {
    const { lengths, states } = root.dlcore;
    const units = Array.from({ length: D }, (_, d) => `unit ${d}`);
    const rows = Array.from({ length: T }, (_, t) => [t + 1, lengths[t], ...states.subarray(t * D, (t + 1) * D)]);
    return [["step", "gradient norm", ...units], ...rows];
  };
  draw(root);
  onThemeChange(root, () => draw(root));
}
