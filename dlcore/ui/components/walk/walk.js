// Forward and backward pass through one example, one layer at a time. All numbers are in the browser.

import { decode } from "../shared/arrays.js";
import { cellAt, drawCells, maxAbs, neighborCell } from "../shared/cells.js";
import { markup, setMarkup } from "../shared/markup.js";
import { keep, recall } from "../shared/memory.js";
import { autogradBadge, formatNumber, formatPlain } from "../shared/numbers.js";
import { onThemeChange, readTheme } from "../shared/theme.js";
import { describeCell, describeStep, l2Norm, layerTitle, shownValues, stepOfLayer, unpackStages } from "./steps.js";

const KIND_NAMES = { addchannel: "add channel", batchnorm: "batch norm", maxpool: "max-pool" };

function drawLayers(root, state, current) {
  const chain = root.querySelector(".dl-walk-chain");
  const L = state.stages.length;
  if (!chain.children.length) {
    ["input", ...state.stages.map((stage) => layerTitle(stage.name)), "loss"].forEach((name, place) => {
      const chip = document.createElement("button");
      chip.type = "button";
      chip.append(name, document.createElement("small"));
      chip.addEventListener("click", () => goToStep(root, stepOfLayer(root.dlcore, place)));
      chain.append(chip);
    });
  }
  [...chain.children].forEach((chip, place) => {
    const back = state.step > L + 1;
    const isReached = back ? place >= current.chip - (current.stage ? 1 : 0) : place <= current.chip;
    chip.setAttribute("aria-pressed", String(place === current.chip));
    chip.classList.toggle("dl-ahead", !isReached);
    const values = place === L + 1 ? state.dz : place === 0 ? state.stages[0].dx : state.stages[place - 1].dy;
    const shape = place === 0 ? state.shapeX : place <= L ? state.stages[place - 1].shape : null;
    const words =
      back && isReached
        ? place === L + 1
          ? `L ${formatPlain(state.loss)}`
          : `|∂L| ${formatPlain(l2Norm(values))}`
        : place === L + 1
          ? isReached
            ? `L ${formatPlain(state.loss)}`
            : ""
          : shape.join(" × ");
    chip.querySelector("small").textContent = words;
  });
  const chip = chain.children[current.chip];
  chain.scrollLeft = Math.max(0, chip.offsetLeft - chain.offsetLeft - chain.clientWidth / 2 + chip.clientWidth / 2);
}

function drawGradientChoice(root, state, current) {
  const what = root.querySelector(".dl-walk-what");
  what.textContent = "";
  if (current.way !== "back" || !current.stage || current.stage.kind !== "dense") return;
  for (const [name, text] of [
    ["x", "inputs"],
    ["weight", "weights"],
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
  unit.max = current.stage.y.length - 1;
  unit.value = Math.min(state.unit, current.stage.y.length - 1);
  unit.setAttribute("aria-label", "Unit");
  unit.addEventListener("change", () => {
    state.unit = Math.max(0, Math.min(current.stage.y.length - 1, Number(unit.value) || 0));
    draw(root);
  });
  what.append("of unit", unit);
}

function draw(root) {
  const started = performance.now();
  const state = root.dlcore;
  const current = describeStep(state);
  const [values, shape] = shownValues(state, current);
  state.chosen = Math.max(0, Math.min(values.length - 1, state.chosen));
  root.querySelector(".dl-walk-where").textContent =
    `Step ${state.step + 1} of ${2 * state.stages.length + 3}. ${current.where}`;
  const slider = root.querySelector("input[type=range]");
  slider.max = 2 * state.stages.length + 2;
  slider.value = state.step;
  slider.setAttribute("aria-valuetext", current.where);
  root.querySelector(".dl-walk-back").disabled = state.step === 0;
  root.querySelector(".dl-walk-next").disabled = state.step === 2 * state.stages.length + 2;
  drawLayers(root, state, current);
  drawGradientChoice(root, state, current);
  const kind = current.stage ? (KIND_NAMES[current.stage.kind] ?? current.stage.kind) : "";
  const back = current.way === "back" || current.end === "back";
  const isByWeight = state.what === "weight" && current.stage?.kind === "dense";
  const variable = current.end ? "the logits" : isByWeight ? "the weights" : "the input";
  root.querySelector(".dl-walk-head").textContent = current.values
    ? "Input image"
    : current.end === "forward"
      ? "Probabilities"
      : back
        ? `Gradient with respect to ${variable}${kind ? ` (${kind})` : ""}`
        : `Output (${kind})`;
  const canvas = root.querySelector(".dl-walk-cells");
  const room = Math.min(268, root.querySelector(".dl-walk-view").clientWidth || 268);
  state.drawn = drawCells(canvas, values, shape, state.chosen, readTheme(root), room);
  const max = maxAbs(values);
  canvas.setAttribute(
    "aria-label",
    `${values.length} values, maximum magnitude ${formatPlain(max)}; cell ${state.chosen} is ` +
      `${formatPlain(values[state.chosen])}. Arrow keys select another.`,
  );
  setMarkup(
    root.querySelector(".dl-walk-legend"),
    markup`${values.length.toLocaleString("en")} values; orange: positive, blue: negative, full color at
      ${formatNumber(max)}. Click one, or use the arrow keys.`,
  );
  const description = describeCell(state, current);
  const panel = root.querySelector(".dl-walk-open");
  const note = description.note ? markup`<p>${description.note}</p>` : "";
  const badge = description.error === undefined ? "" : autogradBadge(description.error);
  setMarkup(
    panel,
    markup`<h4>${description.title}</h4><p class="dl-formula">${description.formula}</p>
      ${description.body}${note}${badge}`,
  );
  root.dataset.drawn = `${state.step}-${state.chosen}`;
  root.dataset.took = (performance.now() - started).toFixed(1);
}

const MEMORY = "walk";

function goToStep(root, step) {
  const state = root.dlcore;
  state.step = Math.max(0, Math.min(2 * state.stages.length + 2, Number(step) || 0));
  keep(root, MEMORY, { step: state.step }, { initial: { step: 0 }, version: state.network });
  const current = describeStep(state);
  const [values] = shownValues(state, current);
  let max = 0;
  values.forEach((value, i) => {
    if (Math.abs(value) > Math.abs(values[max])) max = i;
  });
  state.chosen = current.end ? state.target : max; // opens on the largest value
  draw(root);
}

function listen(root) {
  const canvas = root.querySelector(".dl-walk-cells");
  const slider = root.querySelector("input[type=range]");
  root.querySelector(".dl-walk-back").addEventListener("click", () => goToStep(root, root.dlcore.step - 1));
  root.querySelector(".dl-walk-next").addEventListener("click", () => goToStep(root, root.dlcore.step + 1));
  slider.addEventListener("input", () => goToStep(root, Number(slider.value)));
  const choose = (event) => {
    const index = cellAt(root.dlcore.drawn, event);
    if (index >= 0 && index !== root.dlcore.chosen) {
      root.dlcore.chosen = index;
      draw(root);
    }
  };
  canvas.addEventListener("pointerdown", choose);
  canvas.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
    root.dlcore.chosen = neighborCell(root.dlcore.drawn, root.dlcore.chosen, event.key);
    draw(root);
  });
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dl-walk");
  if (root.dlcore?.version === data.version) return;
  const first = !root.dlcore;
  const before = root.dlcore?.network === data.network ? root.dlcore.step : recall(MEMORY, data.network)?.step;
  const stages = unpackStages(data);
  root.dlcoreTable = () => {
    const [values, shape] = shownValues(root.dlcore, describeStep(root.dlcore));
    return [[`index (${shape.join(" x ")})`, "value"], ...Array.from(values, (value, i) => [i, value])];
  };
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
  goToStep(root, before);
  onThemeChange(root, () => draw(root));
}
