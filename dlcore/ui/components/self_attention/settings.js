// Reads the controls into the inputs of `attend`.

import { filled, matrix } from "./matrix.js";
import { normals, seedOf, tenth } from "./random.js";

export function settings(s) {
  const value = (name) => Number(s.find(name).value);
  const checked = (name) => s.find(name).checked;
  const tokens = s.sentence.value.trim().split(/\s+/).filter(Boolean).slice(0, 10);
  if (!tokens.length) tokens.push("…");
  const d = value("d");
  const dk = value("dk");
  const heads = value("heads");
  const inner = dk * heads;
  const spread = Number(s.root.querySelector(".dla-spread input").value);
  const table = (name, rows, cols, factor) => {
    const draw = normals(seedOf(name) + 7919 * s.seed);
    return filled(rows, cols, (r, c) => {
      const drawn = tenth(draw() * rows ** -0.5 * 1.4) * factor;
      return s.own.get(`${name}:${r}:${c}`) ?? drawn;
    });
  };
  const bias = (name, cols) =>
    checked("biases")
      ? filled(
          1,
          cols,
          (_r, c) => s.own.get(`${name}:0:${c}`) ?? tenth(normals(seedOf(name) + c + 31 * s.seed)() * 0.3),
        )
      : null;
  const x = matrix(tokens.length, d);
  tokens.forEach((word, r) => {
    const draw = normals(seedOf(word));
    for (let c = 0; c < d; c++) {
      const drawn = tenth(draw());
      x.data[r * d + c] = s.own.get(`x:${r}:${c}`) ?? drawn;
    }
  });
  return {
    tokens,
    x,
    heads,
    scaled: checked("scaled"),
    causal: s.find("mask").value === "causal",
    padding: Math.min(value("padding"), tokens.length - 1),
    positions: checked("positions"),
    Wq: table("Wq", d, inner, spread),
    Wk: table("Wk", d, inner, spread),
    Wv: table("Wv", d, inner, 1),
    Wo: checked("out") ? table("Wo", inner, d, 1) : null,
    bq: bias("bq", inner),
    bk: bias("bk", inner),
    bv: bias("bv", inner),
    bo: checked("out") ? bias("bo", d) : null,
  };
}
