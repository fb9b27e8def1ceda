
// A recurrent network unrolled over time: inputs, states and gradients share one axis; a click opens one unit at one step.

const D = (of) => `∂L/∂${of}`;
const sub = (name, ...places) => `<i>${name}</i><sub>${places.join(",")}</sub>`;

function sized(canvas, height) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth || 600;
  canvas.width = width * ratio; canvas.height = height * ratio; canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return [context, width];
}

function frame(context, state, width, height, colours) {
  const column = width / state.T;
  context.strokeStyle = colours.text; context.lineWidth = 1.5;
  context.strokeRect((state.t - 1) * column + 0.75, 0.75, Math.max(2, column - 1.5), height - 1.5);
}

function drawGrid(canvas, state, values, rows, height, colours, row = -1) {
  const [context, width] = sized(canvas, height), column = width / state.T, tall = height / rows, most = largest(values) || 1;
  context.fillStyle = colours.raised; context.fillRect(0, 0, width, height);
  for (let t = 0; t < state.T; t++) for (let d = 0; d < rows; d++) {
    const value = values[t * rows + d], share = Math.min(1, Math.abs(value) / most);
    if (share < 0.01) continue;
    context.fillStyle = value > 0 ? `rgba(213,94,0,${share})` : `rgba(0,114,178,${share})`;
    context.fillRect(t * column, d * tall, column + 0.5, tall + 0.5);
  }
  frame(context, state, width, height, colours);
  if (row >= 0) { context.lineWidth = 2.5; context.strokeRect((state.t - 1) * column, row * tall - 1, Math.max(4, column), Math.max(4, tall + 2)); }
}

function drawChain(canvas, state, colours) {
  const height = 56, [context, width] = sized(canvas, height), column = width / state.T, radius = Math.min(13, column * 0.34);
  context.strokeStyle = context.fillStyle = colours.text; context.lineWidth = 1.2; context.font = `11px ${colours.font}`; context.textAlign = "center";
  for (let t = 1; t <= state.T; t++) {
    const x = (t - 0.5) * column, y = 18;
    context.globalAlpha = t <= state.t ? 1 : 0.4;
    context.beginPath(); context.arc(x, y, Math.max(1.5, radius), 0, 7);
    context.fillStyle = t === state.t ? "#0072B2" : colours.raised; context.fill(); context.stroke();
    context.beginPath(); context.moveTo(x, 46); context.lineTo(x, y + radius + 1); context.stroke(); // its input comes from below
    if (t < state.T) {
      const from = x + radius, to = x + column - radius;
      context.beginPath(); context.moveTo(from, y); context.lineTo(to, y);
      if (to - from > 5) { context.lineTo(to - 4, y - 3); context.moveTo(to, y); context.lineTo(to - 4, y + 3); }
      context.stroke();
    }
    context.fillStyle = t === state.t ? "#ffffff" : colours.text;
    if (radius >= 11) context.fillText(String(t), x, y + 4);
  }
  context.globalAlpha = 1;
}

function drawLengths(canvas, state, colours) {
  const height = 92, [context, width] = sized(canvas, height), column = width / state.T;
  const logs = state.lengths.map((value) => Math.log10(Math.max(value, 1e-30))), top = Math.ceil(Math.max(...logs)), low = Math.min(top - 2, Math.floor(Math.min(...logs)));
  context.fillStyle = colours.raised; context.fillRect(0, 0, width, height);
  context.font = `11px ${colours.font}`; context.textAlign = "left";
  const every = Math.max(1, Math.ceil((top - low) / 4));
  for (let power = low; power <= top; power += every) {
    const y = 4 + (height - 8) * (top - power) / (top - low);
    context.strokeStyle = colours.line; context.beginPath(); context.moveTo(0, y); context.lineTo(width, y); context.stroke();
  }
  logs.forEach((value, i) => {
    const y = 4 + (height - 8) * (top - value) / (top - low);
    context.fillStyle = i + 1 === state.t ? "#D55E00" : "#0072B2";
    context.fillRect(i * column + 0.5, y, Math.max(1, column - 1), height - y);
  });
  state.scale = [low, top];
}

function opened(state) {
  const { t, d, D: width, F } = state, before = (unit) => (t > 1 ? state.states[(t - 2) * width + unit] : 0), now = state.states[(t - 1) * width + d];
  if (!state.weight) return `<div class="dl-wide"><h4>Unit ${d} after step ${t}: ${said(now)}</h4><p>An LSTM, trained by autograd: its cell ${sub("c", "t")} is handed on as ${sub("c", "t")} = <i>f</i> ${sub("c", "t−1")} + <i>i</i> <i>g</i>, so backward it is multiplied by the forget gate <i>f</i> alone, which can stay near 1. Gradient by the cell here: <b>${said(state.byStep[(t - 1) * width + d])}</b>.</p></div>`;
  const terms = [];
  for (let f = 0; f < F; f++) terms.push({ name: `${sub("x", t, f)}`, a: state.x[(t - 1) * F + f], b: state.weight[d * F + f] });
  for (let e = 0; e < width; e++) terms.push({ name: `${sub("h", t - 1, e)}`, a: before(e), b: state.recurrent[d * width + e] });
  let a = state.bias[d];
  for (const one of terms) { one.product = one.a * one.b; a += one.product; }
  const forward = `<div><h4>Forward: unit ${d} at step ${t}</h4><p class="dl-formula">${sub("h", "t")} = tanh(<i>W</i> ${sub("x", "t")} + <i>U</i> ${sub("h", "t−1")} + <i>b</i>)</p>${sumTable(["from", "value", "weight", "product"], terms, a, { start: { name: `bias ${sub("b", d)}`, value: state.bias[d] }, most: 5 })}<p>tanh(${said(a)}) = <b>${said(now)}</b></p></div>`;
  const e = state.byStep[(t - 1) * width + d];
  if (t === state.T) return `${forward}<div><h4>Backward: at the last step</h4><p class="dl-formula">${D(sub("h", "T"))} comes from the scores</p><p>${D(sub("h", t, d))} = <b>${said(e)}</b></p>${badge(state.error)}</div>`;
  const back = [];
  for (let u = 0; u < width; u++) {
    const h = state.states[t * width + u], delta = state.byStep[t * width + u] * (1 - h * h), weight = state.recurrent[u * width + d];
    back.push({ name: `unit ${u}`, a: delta, b: weight, product: delta * weight });
  }
  return `${forward}<div><h4>Backward: from step ${t + 1} to step ${t}</h4><p class="dl-formula">${sub("e", "t")} = (${sub("e", "t+1")} · (1 − ${sub("h", "t+1")}<sup>2</sup>)) <i>U</i></p>${sumTable(["through", "e (1−h²)", "U", "product"], back, e, { most: 5 })}${badge(state.error)}</div>`;
}

function draw(root) {
  const begin = performance.now(), state = root.dlcore, colours = theme(root), find = (name) => root.querySelector(name);
  find(".dl-walk-where").textContent = `Time step ${state.t} of ${state.T}, unit ${state.d}`;
  const slide = find("input"); slide.max = state.T; slide.value = state.t;
  find(".dl-walk-back").disabled = state.t === 1; find(".dl-walk-next").disabled = state.t === state.T;
  drawChain(find(".dl-chain"), state, colours);
  drawGrid(find(".dl-read"), state, state.x, state.F, 84, colours);
  drawGrid(find(".dl-states"), state, state.states, state.D, 170, colours, state.d);
  find(".dl-states").setAttribute("aria-label", `States of ${state.D} units over ${state.T} steps; unit ${state.d} after step ${state.t} is ${plain(state.states[(state.t - 1) * state.D + state.d])}. Arrow keys choose another.`);
  drawLengths(find(".dl-lengths"), state, colours);
  const [first, last] = [state.lengths[0], state.lengths[state.T - 1]];
  find(".dl-lengths").setAttribute("aria-label", `Gradient of ${plain(first)} at the first step and ${plain(last)} at the last`);
  find(".dl-walk-legend").innerHTML = `Gradient: ${said(last)} at the last step, <b>${said(first)}</b> at the first; here ${said(state.lengths[state.t - 1])}. The bars' ground is at 10<sup>${state.scale[0]}</sup>, their top at 10<sup>${state.scale[1]}</sup>. Orange above 0, blue below. Click a column or a unit, or use the arrow keys.`;
  find(".dl-walk-open").innerHTML = opened(state);
  root.dataset.drawn = `${state.t}-${state.d}`;
  root.dataset.took = (performance.now() - begin).toFixed(1);
}

function listen(root) {
  const go = (t, d) => { const s = root.dlcore; s.t = Math.max(1, Math.min(s.T, t)); s.d = Math.max(0, Math.min(s.D - 1, d)); draw(root); };
  root.querySelector(".dl-walk-back").addEventListener("click", () => go(root.dlcore.t - 1, root.dlcore.d));
  root.querySelector(".dl-walk-next").addEventListener("click", () => go(root.dlcore.t + 1, root.dlcore.d));
  root.querySelector("input").addEventListener("input", (event) => go(Number(event.target.value), root.dlcore.d));
  for (const name of [".dl-chain", ".dl-read", ".dl-states", ".dl-lengths"]) {
    const canvas = root.querySelector(name);
    canvas.addEventListener("pointerdown", (event) => {
      const s = root.dlcore, t = Math.floor(event.offsetX / canvas.clientWidth * s.T) + 1;
      go(t, name === ".dl-states" ? Math.floor(event.offsetY / canvas.clientHeight * s.D) : s.d);
    });
  }
  root.querySelector(".dl-states").addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    go(root.dlcore.t + move[0], root.dlcore.d + move[1]);
  });
  new ResizeObserver(() => { if (root.dlcore && root.clientWidth !== root.dlcore.wide) { root.dlcore.wide = root.clientWidth; draw(root); } }).observe(root);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-unrolled");
  if (root.dlcore?.version === data.version) return;
  const first = !root.dlcore, [T, D] = data.states.shape, byStep = decode(data.byStep);
  const lengths = Array.from({ length: T }, (_, t) => Math.sqrt(byStep.subarray(t * D, (t + 1) * D).reduce((sum, value) => sum + value * value, 0)));
  root.dlcore = { version: data.version, T, D, F: data.x.shape[1], x: decode(data.x), states: decode(data.states), byStep, lengths, error: data.error, t: T, d: 0, wide: root.clientWidth };
  for (const name of ["weight", "recurrent", "bias"]) if (data[name]) root.dlcore[name] = decode(data[name]);
  if (first) listen(root);
  draw(root);
  watch(root, () => draw(root));
}
