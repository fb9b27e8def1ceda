// Forward and backward pass through one example, one layer at a time. All numbers are in the browser.

import { decode } from "../shared/arrays.js";
import { cellAt, cellBeside, drawCells, largest } from "../shared/cells.js";
import { badge, plain, said } from "../shared/numbers.js";
import { theme, watch } from "../shared/theme.js";
import { chipStep, named, norm, opened, shownOf, stagesOf, stepOf } from "./steps.js";

const KIND_NAMES = { batchnorm: "batch norm", maxpool: "max-pool" };

function drawChain(root, state, at) {
  const chain = root.querySelector(".dl-walk-chain");
  const L = state.stages.length;
  if (!chain.children.length) {
    ["the example", ...state.stages.map((one) => named(one.name)), "loss"].forEach((name, place) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.append(name, document.createElement("small"));
      chip.addEventListener("click", () => go(root, chipStep(root.dlcore, place)));
      chain.append(chip);
    });
  }
  [...chain.children].forEach((chip, place) => {
    const back = state.step > L + 1;
    const reached = back ? place >= at.chip - (at.stage ? 1 : 0) : place <= at.chip;
    chip.setAttribute("aria-pressed", String(place === at.chip));
    chip.classList.toggle("dl-ahead", !reached);
    const values = place === L + 1 ? state.dz : place === 0 ? state.stages[0].dx : state.stages[place - 1].dy;
    const shape = place === 0 ? state.shapeX : place <= L ? state.stages[place - 1].shape : null;
    const words =
      back && reached
        ? place === L + 1
          ? `L ${plain(state.loss)}`
          : `|∂L| ${plain(norm(values))}`
        : place === L + 1
          ? reached
            ? `L ${plain(state.loss)}`
            : ""
          : shape.join(" × ");
    chip.querySelector("small").textContent = words;
  });
  const chip = chain.children[at.chip];
  chain.scrollLeft = Math.max(0, chip.offsetLeft - chain.offsetLeft - chain.clientWidth / 2 + chip.clientWidth / 2);
}

function drawWhat(root, state, at) {
  const what = root.querySelector(".dl-walk-what");
  what.textContent = "";
  if (at.way !== "back" || !at.stage || at.stage.kind !== "dense") return;
  for (const [name, text] of [
    ["x", "by its inputs"],
    ["weight", "by its weights"],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.setAttribute("aria-pressed", String(state.what === name));
    button.addEventListener("click", () => {
      state.what = name;
      draw(root);
    });
    what.append(button);
  }
  if (state.what !== "weight") return;
  const unit = document.createElement("input");
  unit.type = "number";
  unit.min = 0;
  unit.max = at.stage.y.length - 1;
  unit.value = Math.min(state.unit, at.stage.y.length - 1);
  unit.setAttribute("aria-label", "Unit whose weights are shown");
  unit.addEventListener("change", () => {
    state.unit = Math.max(0, Math.min(at.stage.y.length - 1, Number(unit.value) || 0));
    draw(root);
  });
  what.append("of unit", unit);
}

function draw(root) {
  const begin = performance.now();
  const state = root.dlcore;
  const at = stepOf(state);
  const [values, shape] = shownOf(state, at);
  state.chosen = Math.max(0, Math.min(values.length - 1, state.chosen));
  root.querySelector(".dl-walk-where").textContent =
    `Step ${state.step + 1} of ${2 * state.stages.length + 3}. ${at.where}`;
  const slide = root.querySelector("input[type=range]");
  slide.max = 2 * state.stages.length + 2;
  slide.value = state.step;
  slide.setAttribute("aria-valuetext", at.where);
  root.querySelector(".dl-walk-back").disabled = state.step === 0;
  root.querySelector(".dl-walk-next").disabled = state.step === 2 * state.stages.length + 2;
  drawChain(root, state, at);
  drawWhat(root, state, at);
  const kind = at.stage ? (KIND_NAMES[at.stage.kind] ?? at.stage.kind) : "";
  const back = at.way === "back" || at.end === "back";
  root.querySelector(".dl-walk-head").textContent = at.values
    ? "The picture, as numbers"
    : at.end === "forward"
      ? "Probabilities"
      : back
        ? `Gradient by ${at.end ? "the scores" : state.what === "weight" && at.stage.kind === "dense" ? "the weights" : "what came in"}${kind ? ` (${kind})` : ""}`
        : `What comes out (${kind})`;
  const canvas = root.querySelector(".dl-walk-cells");
  const room = Math.min(336, root.querySelector(".dl-walk-view").clientWidth || 336);
  state.drawn = drawCells(canvas, values, shape, state.chosen, theme(root), room);
  const most = largest(values);
  canvas.setAttribute(
    "aria-label",
    `${values.length} numbers, the largest of size ${plain(most)}; cell ${state.chosen} is ${plain(values[state.chosen])}. Arrow keys choose another.`,
  );
  root.querySelector(".dl-walk-legend").innerHTML =
    `${values.length.toLocaleString("en")} numbers; orange above 0, blue below, full colour at ${said(most)}. Click one, or use the arrow keys.`;
  const open = opened(state, at);
  const pane = root.querySelector(".dl-walk-open");
  pane.innerHTML = `<h4></h4><p class="dl-formula">${open.formula}</p>${open.body}${open.note ? `<p>${open.note}</p>` : ""}${open.error === undefined ? "" : badge(open.error)}`;
  pane.querySelector("h4").textContent = open.title;
  root.dataset.drawn = `${state.step}-${state.chosen}`;
  root.dataset.took = (performance.now() - begin).toFixed(1);
}

function go(root, step) {
  const state = root.dlcore;
  state.step = Math.max(0, Math.min(2 * state.stages.length + 2, step));
  const at = stepOf(state);
  const [values] = shownOf(state, at);
  let most = 0;
  values.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(values[most])) most = i;
  });
  state.chosen = at.end ? state.target : most; // opens on the number that weighs most
  draw(root);
}

function listen(root) {
  const canvas = root.querySelector(".dl-walk-cells");
  const slide = root.querySelector("input[type=range]");
  root.querySelector(".dl-walk-back").addEventListener("click", () => go(root, root.dlcore.step - 1));
  root.querySelector(".dl-walk-next").addEventListener("click", () => go(root, root.dlcore.step + 1));
  slide.addEventListener("input", () => go(root, Number(slide.value)));
  const choose = (event) => {
    const found = cellAt(root.dlcore.drawn, event);
    if (found >= 0 && found !== root.dlcore.chosen) {
      root.dlcore.chosen = found;
      draw(root);
    }
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
  const first = !root.dlcore;
  const before = root.dlcore?.network === data.network ? root.dlcore.step : 0;
  const stages = stagesOf(data);
  root.dlcore = {
    version: data.version,
    network: data.network,
    stages,
    x: decode(data.x),
    shapeX: data.shapeX,
    step: before,
    chosen: 0,
    what: "x",
    unit: 0,
    probabilities: decode(data.probabilities),
    dz: decode(data.dz),
    scores: stages[stages.length - 1].y,
    target: data.target,
    loss: data.loss,
    labels: data.labels,
  };
  root.querySelector(".dl-walk-chain").textContent = "";
  if (first) listen(root);
  go(root, before);
  watch(root, () => draw(root));
}
