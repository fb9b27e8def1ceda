// The steps of the walk and what each of them shows.

import { decode } from "../shared/arrays.js";
import { partial, subscript } from "../shared/formula.js";
import { markup } from "../shared/markup.js";
import { formatNumber, formatPlain } from "../shared/numbers.js";
import { LAYER_FORMULAS, unchanged } from "./layers.js";

export const layerTitle = (text) => text.replaceAll("_", " ");

export function unpackStages(data) {
  let x = decode(data.x);
  let shapeX = data.shapeX;
  return data.stages.map((record) => {
    const stage = { ...record, x, shapeX, y: decode(record.y), dx: decode(record.dx), dy: decode(record.dy) };
    for (const name of ["weight", "bias", "mean", "spread"]) {
      if (record[name]) {
        stage[name] = decode(record[name]);
        stage[`${name}Shape`] = record[name].shape;
      }
    }
    [x, shapeX] = [stage.y, stage.shape];
    return stage;
  });
}

// Step 0 is the input, 1..L the layers, L + 1 the loss, L + 2 its gradient, then the layers in reverse order.
export function describeStep(state) {
  const { stages, step } = state;
  const L = stages.length;
  if (step === 0) return { where: "Input", chip: 0, values: state.x, shape: state.shapeX };
  if (step <= L)
    return {
      where: `Forward: ${layerTitle(stages[step - 1].name)}`,
      chip: step,
      stage: stages[step - 1],
      way: "forward",
    };
  if (step === L + 1) return { where: "Forward: softmax and loss", chip: L + 1, end: "forward" };
  if (step === L + 2) return { where: "Backward: from the loss to the scores", chip: L + 1, end: "back" };
  const index = 2 * L + 2 - step;
  return { where: `Backward: ${layerTitle(stages[index].name)}`, chip: index + 1, stage: stages[index], way: "back" };
}

export function shownValues(state, at) {
  if (at.values) return [at.values, at.shape];
  if (at.end)
    return at.end === "forward" ? [state.probabilities, [state.probabilities.length]] : [state.dz, [state.dz.length]];
  const { stage } = at;
  if (at.way === "forward") return [stage.y, stage.shape];
  if (state.what === "weight" && stage.kind === "dense") {
    const unit = Math.min(state.unit, stage.y.length - 1);
    return [stage.x.map((value) => value * stage.dy[unit]), stage.shapeX];
  }
  return [stage.dx, stage.shapeX];
}

export function describeCell(state, at) {
  const i = state.chosen;
  const names = state.labels;
  if (at.values)
    return {
      title: `Pixel ${i}`,
      formula: markup`<i>x</i> = (pixel / 255 − mean) / std`,
      body: unchanged("normalized", state.x[i]),
    };
  if (at.end === "forward") {
    const sum = state.scores.reduce((total, z) => total + Math.exp(z), 0);
    return {
      title: `Probability of “${names[i]}”`,
      formula: markup`${subscript("p", "k")} = <i>e</i><sup>z<sub>k</sub></sup> /
        Σ<sub>j</sub> <i>e</i><sup>z<sub>j</sub></sup>,
        &nbsp; <i>L</i> = −log ${subscript("p", "true")}`,
      body: markup`<p><i>e</i><sup>${formatPlain(state.scores[i])}</sup> / ${formatNumber(sum)} =
        <b>${formatNumber(state.probabilities[i])}</b></p><p>Target “${names[state.target]}”:
        <i>L</i> = −log ${formatNumber(state.probabilities[state.target])} = <b>${formatNumber(state.loss)}</b></p>`,
    };
  }
  if (at.end)
    return {
      title: `Score of “${names[i]}”`,
      formula: markup`${partial(subscript("z", "k"))} = ${subscript("p", "k")} − [<i>k</i> is true]`,
      body: markup`<p>${formatNumber(state.probabilities[i])} − ${i === state.target ? 1 : 0} =
        <b>${formatNumber(state.dz[i])}</b></p><p>Probability minus target.</p>`,
    };
  const { stage } = at;
  const kind = LAYER_FORMULAS[stage.kind];
  const title = `${at.way === "forward" ? "Output" : "Gradient by input"} ${i} of ${layerTitle(stage.name)}`;
  if (at.way === "forward") return { title, note: kind.note, ...kind.forward(stage, i) };
  if (state.what === "weight" && kind.weight)
    return {
      title: `Gradient of the weight from input ${i}`,
      error: stage.error,
      ...kind.weight(stage, Math.min(state.unit, stage.y.length - 1), i),
    };
  return { title, note: kind.note, error: stage.error, ...kind.back(stage, i) };
}

export function l2Norm(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

// A click on a layer keeps the direction.
export function stepOfLayer(state, index) {
  const L = state.stages.length;
  if (state.step <= L + 1 || index === 0) return index;
  return index === L + 1 ? L + 2 : 2 * L + 3 - index;
}
