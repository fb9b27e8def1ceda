// Reads the controls into the inputs of `attend`.

import { fromFunction, zeros } from "./matrix.js";
import { hashSeed, normalSampler, roundToTenth } from "./random.js";

export const MOST_WORDS = 10;

export function readSettings(s) {
  const value = (name) => Number(s.find(name).value);
  const checked = (name) => s.find(name).checked;
  const words = s.sentence.value.trim().split(/\s+/).filter(Boolean);
  const tokens = words.slice(0, MOST_WORDS);
  if (!tokens.length) tokens.push("…");
  const d = value("d");
  const dk = value("dk");
  const heads = value("heads");
  const inner = dk * heads;
  const scale = Number(s.root.querySelector(".dla-spread input").value);
  const weights = (name, rows, cols, factor) => {
    const draw = normalSampler(hashSeed(name) + 7919 * s.seed);
    return fromFunction(rows, cols, (r, c) => {
      const sample = roundToTenth(draw() * rows ** -0.5 * 1.4) * factor;
      return s.edits.get(`${name}:${r}:${c}`) ?? sample;
    });
  };
  const bias = (name, cols) =>
    checked("biases")
      ? fromFunction(
          1,
          cols,
          (_r, c) =>
            s.edits.get(`${name}:0:${c}`) ?? roundToTenth(normalSampler(hashSeed(name) + c + 31 * s.seed)() * 0.3),
        )
      : null;
  const x = zeros(tokens.length, d);
  tokens.forEach((word, r) => {
    const draw = normalSampler(hashSeed(word));
    for (let c = 0; c < d; c++) {
      const sample = roundToTenth(draw());
      x.data[r * d + c] = s.edits.get(`x:${r}:${c}`) ?? sample;
    }
  });
  return {
    tokens,
    words: words.length,
    x,
    heads,
    scaled: checked("scaled"),
    causal: s.find("mask").value === "causal",
    padding: Math.min(value("padding"), tokens.length - 1),
    positions: checked("positions"),
    Wq: weights("Wq", d, inner, scale),
    Wk: weights("Wk", d, inner, scale),
    Wv: weights("Wv", d, inner, 1),
    Wo: checked("out") ? weights("Wo", inner, d, 1) : null,
    bq: bias("bq", inner),
    bk: bias("bk", inner),
    bv: bias("bv", inner),
    bo: checked("out") ? bias("bo", d) : null,
  };
}
