// The steps of the walk and what each of them shows.

import { decode } from "../shared/arrays.js";
import { D, sub } from "../shared/formula.js";
import { plain, said } from "../shared/numbers.js";
import { KINDS, same } from "./layers.js";

export const named = (text) => text.replaceAll("_", " ");

export function stagesOf(data) {
  let x = decode(data.x);
  let shapeX = data.shapeX;
  return data.stages.map((one) => {
    const stage = { ...one, x, shapeX, y: decode(one.y), dx: decode(one.dx), dy: decode(one.dy) };
    for (const name of ["weight", "bias", "mean", "spread"]) {
      if (one[name]) {
        stage[name] = decode(one[name]);
        stage[`${name}Shape`] = one[name].shape;
      }
    }
    [x, shapeX] = [stage.y, stage.shape];
    return stage;
  });
}

// Step 0 is the example, 1..L the layers, L + 1 the loss, L + 2 its gradient, then the layers back to the first.
export function stepOf(state) {
  const { stages, step } = state;
  const L = stages.length;
  if (step === 0) return { where: "The example", chip: 0, values: state.x, shape: state.shapeX };
  if (step <= L)
    return { where: `Forward: ${named(stages[step - 1].name)}`, chip: step, stage: stages[step - 1], way: "forward" };
  if (step === L + 1) return { where: "Forward: softmax and loss", chip: L + 1, end: "forward" };
  if (step === L + 2) return { where: "Backward: from the loss to the scores", chip: L + 1, end: "back" };
  const place = 2 * L + 2 - step;
  return { where: `Backward: ${named(stages[place].name)}`, chip: place + 1, stage: stages[place], way: "back" };
}

export function shownOf(state, at) {
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

export function opened(state, at) {
  const i = state.chosen;
  const names = state.labels;
  if (at.values)
    return {
      title: `Pixel ${i}`,
      formula: "<i>x</i> = (pixel / 255 − mean) / spread",
      body: same("as the network reads it", state.x[i]),
    };
  if (at.end === "forward") {
    const sum = state.scores.reduce((total, z) => total + Math.exp(z), 0);
    return {
      title: `Probability of “${names[i]}”`,
      formula: `${sub("p", "k")} = <i>e</i><sup>z<sub>k</sub></sup> / Σ<sub>j</sub> <i>e</i><sup>z<sub>j</sub></sup>, &nbsp; <i>L</i> = −log ${sub("p", "true")}`,
      body: `<p><i>e</i><sup>${plain(state.scores[i])}</sup> / ${said(sum)} = <b>${said(state.probabilities[i])}</b></p><p>True is “${names[state.target]}”: <i>L</i> = −log ${said(state.probabilities[state.target])} = <b>${said(state.loss)}</b></p>`,
    };
  }
  if (at.end)
    return {
      title: `Score of “${names[i]}”`,
      formula: `${D(sub("z", "k"))} = ${sub("p", "k")} − [<i>k</i> is true]`,
      body: `<p>${said(state.probabilities[i])} − ${i === state.target ? 1 : 0} = <b>${said(state.dz[i])}</b></p><p>What was said, less what is so.</p>`,
    };
  const { stage } = at;
  const kind = KINDS[stage.kind];
  const title = `${at.way === "forward" ? "Output" : "Gradient by input"} ${i} of ${named(stage.name)}`;
  if (at.way === "forward") return { title, note: kind.note, ...kind.forward(stage, i) };
  if (state.what === "weight" && kind.weight)
    return {
      title: `Gradient of the weight from input ${i}`,
      error: stage.error,
      ...kind.weight(stage, Math.min(state.unit, stage.y.length - 1), i),
    };
  return { title, note: kind.note, error: stage.error, ...kind.back(stage, i) };
}

export function norm(values) {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

// A click on a layer keeps the way one is going.
export function chipStep(state, place) {
  const L = state.stages.length;
  if (state.step <= L + 1 || place === 0) return place;
  return place === L + 1 ? L + 2 : 2 * L + 3 - place;
}
