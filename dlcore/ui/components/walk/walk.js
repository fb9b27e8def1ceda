
// Steps through one example: every layer forward, the loss, every layer back. All numbers are here, so nothing is asked
// of the server; what is drawn is kept when the page runs again with the same example.

const KIND_NAMES = { batchnorm: "batch norm", maxpool: "max-pool" };
const named = (text) => text.replaceAll("_", " ");

function stagesOf(data) {
  let x = decode(data.x), shapeX = data.shapeX;
  return data.stages.map((one) => {
    const stage = { ...one, x, shapeX, y: decode(one.y), dx: decode(one.dx), dy: decode(one.dy) };
    for (const name of ["weight", "bias", "mean", "spread"]) {
      if (one[name]) { stage[name] = decode(one[name]); stage[`${name}Shape`] = one[name].shape; }
    }
    [x, shapeX] = [stage.y, stage.shape];
    return stage;
  });
}

// Step 0 is the example, 1..L the layers, L + 1 the loss, L + 2 its gradient, then the layers back to the first.
function stepOf(state) {
  const { stages, step } = state, L = stages.length;
  if (step === 0) return { where: "The example", chip: 0, values: state.x, shape: state.shapeX };
  if (step <= L) return { where: `Forward: ${named(stages[step - 1].name)}`, chip: step, stage: stages[step - 1], way: "forward" };
  if (step === L + 1) return { where: "Forward: softmax and loss", chip: L + 1, end: "forward" };
  if (step === L + 2) return { where: "Backward: from the loss to the scores", chip: L + 1, end: "back" };
  const place = 2 * L + 2 - step;
  return { where: `Backward: ${named(stages[place].name)}`, chip: place + 1, stage: stages[place], way: "back" };
}

function shownOf(state, at) {
  if (at.values) return [at.values, at.shape];
  if (at.end) return at.end === "forward" ? [state.probabilities, [state.probabilities.length]] : [state.dz, [state.dz.length]];
  const { stage } = at;
  if (at.way === "forward") return [stage.y, stage.shape];
  if (state.what === "weight" && stage.kind === "dense") {
    const unit = Math.min(state.unit, stage.y.length - 1);
    return [stage.x.map((value) => value * stage.dy[unit]), stage.shapeX];
  }
  return [stage.dx, stage.shapeX];
}

function opened(state, at) {
  const i = state.chosen, names = state.labels;
  if (at.values) return { title: `Pixel ${i}`, formula: "<i>x</i> = (pixel / 255 − mean) / spread", body: same("as the network reads it", state.x[i]) };
  if (at.end === "forward") {
    const sum = state.scores.reduce((total, z) => total + Math.exp(z), 0);
    return { title: `Probability of “${names[i]}”`, formula: `${sub("p", "k")} = <i>e</i><sup>z<sub>k</sub></sup> / Σ<sub>j</sub> <i>e</i><sup>z<sub>j</sub></sup>, &nbsp; <i>L</i> = −log ${sub("p", "true")}`,
      body: `<p><i>e</i><sup>${plain(state.scores[i])}</sup> / ${said(sum)} = <b>${said(state.probabilities[i])}</b></p><p>True is “${names[state.target]}”: <i>L</i> = −log ${said(state.probabilities[state.target])} = <b>${said(state.loss)}</b></p>` };
  }
  if (at.end) return { title: `Score of “${names[i]}”`, formula: `${D(sub("z", "k"))} = ${sub("p", "k")} − [<i>k</i> is true]`,
    body: `<p>${said(state.probabilities[i])} − ${i === state.target ? 1 : 0} = <b>${said(state.dz[i])}</b></p><p>What was said, less what is so.</p>` };
  const { stage } = at, kind = KINDS[stage.kind], title = `${at.way === "forward" ? "Output" : "Gradient by input"} ${i} of ${named(stage.name)}`;
  if (at.way === "forward") return { title, note: kind.note, ...kind.forward(stage, i) };
  if (state.what === "weight" && kind.weight) return { title: `Gradient of the weight from input ${i}`, error: stage.error, ...kind.weight(stage, Math.min(state.unit, stage.y.length - 1), i) };
  return { title, note: kind.note, error: stage.error, ...kind.back(stage, i) };
}

function norm(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

function drawChain(root, state, at) {
  const chain = root.querySelector(".dl-walk-chain"), L = state.stages.length;
  if (!chain.children.length) {
    ["the example", ...state.stages.map((one) => named(one.name)), "loss"].forEach((name, place) => {
      const chip = document.createElement("button");
      chip.type = "button"; chip.append(name, document.createElement("small"));
      chip.addEventListener("click", () => go(root, chipStep(root.dlcore, place)));
      chain.append(chip);
    });
  }
  [...chain.children].forEach((chip, place) => {
    const back = state.step > L + 1, reached = back ? place >= at.chip - (at.stage ? 1 : 0) : place <= at.chip;
    chip.setAttribute("aria-pressed", String(place === at.chip));
    chip.classList.toggle("dl-ahead", !reached);
    const values = place === L + 1 ? state.dz : place === 0 ? state.stages[0].dx : state.stages[place - 1].dy;
    const shape = place === 0 ? state.shapeX : place <= L ? state.stages[place - 1].shape : null;
    const words = back && reached ? (place === L + 1 ? `L ${plain(state.loss)}` : `|∂L| ${plain(norm(values))}`) : place === L + 1 ? (reached ? `L ${plain(state.loss)}` : "") : shape.join(" × ");
    chip.querySelector("small").textContent = words;
  });
  const chip = chain.children[at.chip];
  chain.scrollLeft = Math.max(0, chip.offsetLeft - chain.offsetLeft - chain.clientWidth / 2 + chip.clientWidth / 2);
}

// A click on a layer keeps the way one is going.
function chipStep(state, place) {
  const L = state.stages.length;
  if (state.step <= L + 1 || place === 0) return place;
  return place === L + 1 ? L + 2 : 2 * L + 3 - place;
}

function drawWhat(root, state, at) {
  const what = root.querySelector(".dl-walk-what");
  what.textContent = "";
  if (at.way !== "back" || !at.stage || at.stage.kind !== "dense") return;
  for (const [name, text] of [["x", "by its inputs"], ["weight", "by its weights"]]) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = text;
    button.setAttribute("aria-pressed", String(state.what === name));
    button.addEventListener("click", () => { state.what = name; draw(root); });
    what.append(button);
  }
  if (state.what !== "weight") return;
  const unit = document.createElement("input");
  unit.type = "number"; unit.min = 0; unit.max = at.stage.y.length - 1; unit.value = Math.min(state.unit, at.stage.y.length - 1);
  unit.setAttribute("aria-label", "Unit whose weights are shown");
  unit.addEventListener("change", () => { state.unit = Math.max(0, Math.min(at.stage.y.length - 1, Number(unit.value) || 0)); draw(root); });
  what.append("of unit", unit);
}

function draw(root) {
  const begin = performance.now(), state = root.dlcore, at = stepOf(state), [values, shape] = shownOf(state, at);
  state.chosen = Math.max(0, Math.min(values.length - 1, state.chosen));
  root.querySelector(".dl-walk-where").textContent = `Step ${state.step + 1} of ${2 * state.stages.length + 3}. ${at.where}`;
  const slide = root.querySelector("input[type=range]");
  slide.max = 2 * state.stages.length + 2; slide.value = state.step;
  slide.setAttribute("aria-valuetext", at.where);
  root.querySelector(".dl-walk-back").disabled = state.step === 0;
  root.querySelector(".dl-walk-next").disabled = state.step === 2 * state.stages.length + 2;
  drawChain(root, state, at);
  drawWhat(root, state, at);
  const kind = at.stage ? (KIND_NAMES[at.stage.kind] ?? at.stage.kind) : "", back = at.way === "back" || at.end === "back";
  root.querySelector(".dl-walk-head").textContent = at.values ? "The picture, as numbers" : at.end === "forward" ? "Probabilities" : back
    ? `Gradient by ${at.end ? "the scores" : state.what === "weight" && at.stage.kind === "dense" ? "the weights" : "what came in"}${kind ? ` (${kind})` : ""}` : `What comes out (${kind})`;
  const canvas = root.querySelector(".dl-walk-cells"), room = Math.min(336, root.querySelector(".dl-walk-view").clientWidth || 336);
  state.drawn = drawCells(canvas, values, shape, state.chosen, theme(root), room);
  const most = largest(values);
  canvas.setAttribute("aria-label", `${values.length} numbers, the largest of size ${plain(most)}; cell ${state.chosen} is ${plain(values[state.chosen])}. Arrow keys choose another.`);
  root.querySelector(".dl-walk-legend").innerHTML = `${values.length.toLocaleString("en")} numbers; orange above 0, blue below, full colour at ${said(most)}. Click one, or use the arrow keys.`;
  const open = opened(state, at), pane = root.querySelector(".dl-walk-open");
  pane.innerHTML = `<h4></h4><p class="dl-formula">${open.formula}</p>${open.body}${open.note ? `<p>${open.note}</p>` : ""}${open.error === undefined ? "" : badge(open.error)}`;
  pane.querySelector("h4").textContent = open.title;
  root.dataset.drawn = `${state.step}-${state.chosen}`;
  root.dataset.took = (performance.now() - begin).toFixed(1);
}

function go(root, step) {
  const state = root.dlcore;
  state.step = Math.max(0, Math.min(2 * state.stages.length + 2, step));
  const at = stepOf(state), [values] = shownOf(state, at);
  let most = 0;
  values.forEach((value, i) => { if (Math.abs(value) > Math.abs(values[most])) most = i; });
  state.chosen = at.end ? state.target : most; // opens on the number that weighs most
  draw(root);
}

function listen(root) {
  const canvas = root.querySelector(".dl-walk-cells"), slide = root.querySelector("input[type=range]");
  root.querySelector(".dl-walk-back").addEventListener("click", () => go(root, root.dlcore.step - 1));
  root.querySelector(".dl-walk-next").addEventListener("click", () => go(root, root.dlcore.step + 1));
  slide.addEventListener("input", () => go(root, Number(slide.value)));
  const choose = (event) => {
    const found = cellAt(root.dlcore.drawn, event);
    if (found >= 0 && found !== root.dlcore.chosen) { root.dlcore.chosen = found; draw(root); }
  };
  canvas.addEventListener("pointerdown", choose);
  canvas.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    root.dlcore.chosen = cellBeside(root.dlcore.drawn, root.dlcore.chosen, event.key);
    draw(root);
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-walk");
  if (root.dlcore?.version === data.version) return;
  const first = !root.dlcore, before = root.dlcore?.network === data.network ? root.dlcore.step : 0;
  const stages = stagesOf(data);
  root.dlcore = {
    version: data.version, network: data.network, stages, x: decode(data.x), shapeX: data.shapeX, step: before, chosen: 0, what: "x", unit: 0,
    probabilities: decode(data.probabilities), dz: decode(data.dz), scores: stages[stages.length - 1].y,
    target: data.target, loss: data.loss, labels: data.labels,
  };
  root.querySelector(".dl-walk-chain").textContent = "";
  if (first) listen(root);
  go(root, before);
  watch(root, () => draw(root));
}
