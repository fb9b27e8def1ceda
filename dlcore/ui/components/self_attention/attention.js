// Self-attention in plain sums (Vaswani et al. 2017, eq. 1). Every result is recorded on a tape with its sources and its
// operation: cells show their formula and the graph is drawn from the same list.

import { cell, filled, matrix, times } from "./matrix.js";

// Sines and cosines of the place (Vaswani et al. 2017, section 3.5).
const sinusoids = (n, d) =>
  filled(n, d, (r, c) => {
    const angle = r / 10000 ** ((c - (c % 2)) / d);
    return c % 2 ? Math.cos(angle) : Math.sin(angle);
  });

export const allowed = (a, r, c) => c < a.x.rows - a.padding && (!a.causal || c <= r);

export function softmaxRows(m) {
  const found = matrix(m.rows, m.cols);
  for (let r = 0; r < m.rows; r++) {
    const row = m.data.subarray(r * m.cols, (r + 1) * m.cols);
    const top = Math.max(...row);
    let sum = 0;
    for (let c = 0; c < m.cols; c++) sum += found.data[r * m.cols + c] = Math.exp(row[c] - top);
    for (let c = 0; c < m.cols; c++) found.data[r * m.cols + c] /= sum;
  }
  return found;
}

// How much of a gradient one row of a softmax lets through: the Frobenius norm of its Jacobian diag(p) - p p'.
export function passed(p) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) for (let j = 0; j < p.length; j++) sum += (p[i] * ((i === j ? 1 : 0) - p[j])) ** 2;
  return Math.sqrt(sum);
}

// a: x (n, d); Wq Wk Wv (d, heads dk), Wo (heads dk, d) or null; bq bk bv bo (1, ...) or null; heads, scaled, causal,
// padding (tokens at the end that nobody may look at), positions. Gives results by name, and the tape.
export function attend(a) {
  const n = a.x.rows;
  const dk = a.Wq.cols / a.heads;
  const results = {};
  const tape = [];
  const at = {};
  const put = (key, op, from, m, more = {}) => {
    results[key] = m;
    at[key] =
      tape.push({
        key,
        name: op,
        label: more.label || key,
        scope: more.scope || [],
        sources: from.map((one) => at[one]),
        shape: [m.rows, m.cols],
        weights: more.weights?.data.length || 0,
        biases: more.bias?.data.length || 0,
        multiply_adds: more.adds || 0,
        how: more.how || null,
        weightName: more.weightName,
        biasName: more.biasName,
      }) - 1;
    return key;
  };
  let x = put("x", "input", [], a.x);
  if (a.positions) {
    put("P", "positions", [], sinusoids(n, a.x.cols), { how: "position" });
    x = put(
      "xP",
      "add",
      [x, "P"],
      filled(n, a.x.cols, (r, c) => cell(a.x, r, c) + cell(results.P, r, c)),
      { label: "x + P", how: "plus" },
    );
  }
  const line = (key, source, W, b, names) =>
    put(key, "linear", [source], times(results[source], W, b), {
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
  const ends = [];
  for (let h = 0; h < a.heads; h++) {
    const many = a.heads > 1;
    const scope = many ? [`head ${h + 1}`] : [];
    const name = (key) => (many ? `${key}${h + 1}` : key);
    if (many)
      for (const key of ["q", "k", "v"])
        put(
          name(key),
          "slice",
          [key],
          filled(n, dk, (r, c) => cell(results[key], r, h * dk + c)),
          { scope, how: "slice" },
        );
    const [q, k, v] = ["q", "k", "v"].map((key) => name(key));
    const Q = results[q];
    const K = results[k];
    let last = put(
      name("S"),
      "scores q kᵀ",
      [q, k],
      filled(n, n, (r, c) => {
        let sum = 0;
        for (let i = 0; i < dk; i++) sum += cell(Q, r, i) * cell(K, c, i);
        return sum;
      }),
      { scope, adds: n * n * dk, how: "scores" },
    );
    if (a.scaled) {
      const S = results[last];
      last = put(
        name("D"),
        "divide by √dk",
        [last],
        filled(n, n, (r, c) => cell(S, r, c) / Math.sqrt(dk)),
        { scope, how: "divide" },
      );
    }
    if (a.causal || a.padding) {
      const S = results[last];
      last = put(
        name("M"),
        "mask",
        [last],
        filled(n, n, (r, c) => (allowed(a, r, c) ? cell(S, r, c) : -Infinity)),
        { scope, how: "mask" },
      );
    }
    const p = put(name("A"), "softmax", [last], softmaxRows(results[last]), { scope, how: "softmax" });
    ends.push(
      put(name("Z"), "weighted sum A v", [p, v], times(results[p], results[v]), {
        scope,
        adds: n * n * dk,
        how: "sum",
      }),
    );
  }
  let out = ends[0];
  if (a.heads > 1)
    out = put(
      "Z",
      "cat",
      ends,
      filled(n, a.heads * dk, (r, c) => cell(results[ends[Math.floor(c / dk)]], r, c % dk)),
      { label: "Z, heads side by side", how: "cat" },
    );
  if (a.Wo) line("O", out, a.Wo, a.bo, ["Wo", "bo"]);
  return { results, tape, dk };
}
