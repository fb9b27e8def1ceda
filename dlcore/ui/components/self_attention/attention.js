// Self-attention in plain sums (Vaswani et al. 2017, eq. 1). A tape records every result with its sources and its
// operation; formulas and graph are drawn from it.

import { cell, fromFunction, multiply, zeros } from "./matrix.js";

// Sinusoidal positional encoding (Vaswani et al. 2017, section 3.5).
const sinusoids = (n, d) =>
  fromFunction(n, d, (r, c) => {
    const angle = r / 10000 ** ((c - (c % 2)) / d);
    return c % 2 ? Math.cos(angle) : Math.sin(angle);
  });

export const allowed = (a, r, c) => c < a.x.rows - a.padding && (!a.causal || c <= r);

export function softmaxRows(m) {
  const result = zeros(m.rows, m.cols);
  for (let r = 0; r < m.rows; r++) {
    const row = m.data.subarray(r * m.cols, (r + 1) * m.cols);
    const top = Math.max(...row);
    let sum = 0;
    for (let c = 0; c < m.cols; c++) sum += result.data[r * m.cols + c] = Math.exp(row[c] - top);
    for (let c = 0; c < m.cols; c++) result.data[r * m.cols + c] /= sum;
  }
  return result;
}

// Frobenius norm of a softmax row's Jacobian diag(p) - p p'.
export function jacobianNorm(p) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) for (let j = 0; j < p.length; j++) sum += (p[i] * ((i === j ? 1 : 0) - p[j])) ** 2;
  return Math.sqrt(sum);
}

// a: x (n, d); Wq Wk Wv (d, heads dk), Wo (heads dk, d) or null; bq bk bv bo (1, ...) or null; heads, scaled, causal,
// padding (masked tokens at the end), positions. Returns results by name, and the tape.
export function attend(a) {
  const n = a.x.rows;
  const dk = a.Wq.cols / a.heads;
  const results = {};
  const tape = [];
  const at = {};
  const record = (key, op, sources, m, details = {}) => {
    results[key] = m;
    at[key] =
      tape.push({
        key,
        name: op,
        label: details.label || key,
        scope: details.scope || [],
        sources: sources.map((one) => at[one]),
        shape: [m.rows, m.cols],
        weights: details.weights?.data.length || 0,
        biases: details.bias?.data.length || 0,
        multiply_adds: details.adds || 0,
        how: details.how || null,
        weightName: details.weightName,
        biasName: details.biasName,
      }) - 1;
    return key;
  };
  let x = record("x", "input", [], a.x);
  if (a.positions) {
    record("P", "positions", [], sinusoids(n, a.x.cols), { how: "position" });
    x = record(
      "xP",
      "add",
      [x, "P"],
      fromFunction(n, a.x.cols, (r, c) => cell(a.x, r, c) + cell(results.P, r, c)),
      { label: "x + P", how: "plus" },
    );
  }
  const line = (key, source, W, b, names) =>
    record(key, "linear", [source], multiply(results[source], W, b), {
      weights: W,
      bias: b,
      weightName: names[0],
      biasName: names[1],
      adds: n * W.data.length,
      how: "linear",
    });
  line("q", x, a.Wq, a.bq, ["Wq", "bq"]);
  line("k", x, a.Wk, a.bk, ["Wk", "bk"]);
  line("v", x, a.Wv, a.bv, ["Wv", "bv"]);
  const outputs = [];
  for (let h = 0; h < a.heads; h++) {
    const isMultiHead = a.heads > 1;
    const scope = isMultiHead ? [`head ${h + 1}`] : [];
    const name = (key) => (isMultiHead ? `${key}${h + 1}` : key);
    if (isMultiHead)
      for (const key of ["q", "k", "v"])
        record(
          name(key),
          "slice",
          [key],
          fromFunction(n, dk, (r, c) => cell(results[key], r, h * dk + c)),
          { scope, how: "slice" },
        );
    const [q, k, v] = ["q", "k", "v"].map((key) => name(key));
    const Q = results[q];
    const K = results[k];
    let scoreKey = record(
      name("S"),
      "scores q kᵀ",
      [q, k],
      fromFunction(n, n, (r, c) => {
        let sum = 0;
        for (let i = 0; i < dk; i++) sum += cell(Q, r, i) * cell(K, c, i);
        return sum;
      }),
      { scope, adds: n * n * dk, how: "scores" },
    );
    if (a.scaled) {
      const S = results[scoreKey];
      scoreKey = record(
        name("D"),
        "divide by √dk",
        [scoreKey],
        fromFunction(n, n, (r, c) => cell(S, r, c) / Math.sqrt(dk)),
        { scope, how: "divide" },
      );
    }
    if (a.causal || a.padding) {
      const S = results[scoreKey];
      scoreKey = record(
        name("M"),
        "mask",
        [scoreKey],
        fromFunction(n, n, (r, c) => (allowed(a, r, c) ? cell(S, r, c) : -Infinity)),
        { scope, how: "mask" },
      );
    }
    const p = record(name("A"), "softmax", [scoreKey], softmaxRows(results[scoreKey]), { scope, how: "softmax" });
    outputs.push(
      record(name("Z"), "weighted sum A v", [p, v], multiply(results[p], results[v]), {
        scope,
        adds: n * n * dk,
        how: "sum",
      }),
    );
  }
  let out = outputs[0];
  if (a.heads > 1)
    out = record(
      "Z",
      "cat",
      outputs,
      fromFunction(n, a.heads * dk, (r, c) => cell(results[outputs[Math.floor(c / dk)]], r, c % dk)),
      { label: "Z, concatenated heads", how: "cat" },
    );
  if (a.Wo) line("O", out, a.Wo, a.bo, ["Wo", "bo"]);
  return { results, tape, dk };
}
