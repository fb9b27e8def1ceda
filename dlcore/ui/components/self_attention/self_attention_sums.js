
// Self-attention in plain sums (Vaswani et al. 2017, eq. 1). Every result is put on a tape with what it came from and
// how its numbers come about: cells open to their formula and the graph is drawn from the very same list.

const matrix = (rows, cols) => ({ rows, cols, data: new Float64Array(rows * cols) });
const cell = (m, r, c) => m.data[r * m.cols + c];

function filled(rows, cols, make) {
  const m = matrix(rows, cols);
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) m.data[r * cols + c] = make(r, c);
  return m;
}

const times = (a, b, bias) => filled(a.rows, b.cols, (r, c) => {
  let sum = bias ? bias.data[c] : 0;
  for (let i = 0; i < a.cols; i++) sum += cell(a, r, i) * cell(b, i, c);
  return sum;
});

// Sines and cosines of the place (Vaswani et al. 2017, section 3.5).
const sinusoids = (n, d) => filled(n, d, (r, c) => { const angle = r / 10000 ** ((c - (c % 2)) / d); return c % 2 ? Math.cos(angle) : Math.sin(angle); });

const allowed = (a, r, c) => c < a.x.rows - a.padding && (!a.causal || c <= r);

function softmaxRows(m) {
  const found = matrix(m.rows, m.cols);
  for (let r = 0; r < m.rows; r++) {
    const row = m.data.subarray(r * m.cols, (r + 1) * m.cols), top = Math.max(...row);
    let sum = 0;
    for (let c = 0; c < m.cols; c++) sum += found.data[r * m.cols + c] = Math.exp(row[c] - top);
    for (let c = 0; c < m.cols; c++) found.data[r * m.cols + c] /= sum;
  }
  return found;
}

// How much of a gradient one row of a softmax lets through: the Frobenius norm of its Jacobian diag(p) - p p'.
function passed(p) {
  let sum = 0;
  for (let i = 0; i < p.length; i++) for (let j = 0; j < p.length; j++) sum += (p[i] * ((i === j ? 1 : 0) - p[j])) ** 2;
  return Math.sqrt(sum);
}

// a: x (n, d); Wq Wk Wv (d, heads dk), Wo (heads dk, d) or null; bq bk bv bo (1, ...) or null; heads, scaled, causal,
// padding (tokens at the end that nobody may look at), positions. Gives results by name, and the tape.
function attend(a) {
  const n = a.x.rows, dk = a.Wq.cols / a.heads, results = {}, tape = [], at = {};
  const put = (key, op, from, m, more = {}) => {
    results[key] = m;
    at[key] = tape.push({
      key, name: op, label: more.label || key, scope: more.scope || [], sources: from.map((one) => at[one]), shape: [m.rows, m.cols],
      weights: more.weights?.data.length || 0, biases: more.bias?.data.length || 0, multiply_adds: more.adds || 0, how: more.how || null, weightName: more.weightName, biasName: more.biasName,
    }) - 1;
    return key;
  };
  let x = put("x", "input", [], a.x);
  if (a.positions) {
    put("P", "positions", [], sinusoids(n, a.x.cols), { how: "position" });
    x = put("xP", "add", [x, "P"], filled(n, a.x.cols, (r, c) => cell(a.x, r, c) + cell(results.P, r, c)), { label: "x + P", how: "plus" });
  }
  const line = (key, source, W, b, names) => put(key, "linear", [source], times(results[source], W, b), { weights: W, bias: b, weightName: names[0], biasName: names[1], adds: n * W.data.length, how: "linear" });
  line("q", x, a.Wq, a.bq, ["Wq", "bq"]);
  line("k", x, a.Wk, a.bk, ["Wk", "bk"]);
  line("v", x, a.Wv, a.bv, ["Wv", "bv"]);
  const ends = [];
  for (let h = 0; h < a.heads; h++) {
    const many = a.heads > 1, scope = many ? [`head ${h + 1}`] : [], name = (key) => (many ? `${key}${h + 1}` : key);
    if (many) for (const key of ["q", "k", "v"]) put(name(key), "slice", [key], filled(n, dk, (r, c) => cell(results[key], r, h * dk + c)), { scope, how: "slice" });
    const [q, k, v] = ["q", "k", "v"].map((key) => name(key)), Q = results[q], K = results[k];
    let last = put(name("S"), "scores q kᵀ", [q, k], filled(n, n, (r, c) => { let sum = 0; for (let i = 0; i < dk; i++) sum += cell(Q, r, i) * cell(K, c, i); return sum; }), { scope, adds: n * n * dk, how: "scores" });
    if (a.scaled) { const S = results[last]; last = put(name("D"), "divide by √dk", [last], filled(n, n, (r, c) => cell(S, r, c) / Math.sqrt(dk)), { scope, how: "divide" }); }
    if (a.causal || a.padding) { const S = results[last]; last = put(name("M"), "mask", [last], filled(n, n, (r, c) => (allowed(a, r, c) ? cell(S, r, c) : -Infinity)), { scope, how: "mask" }); }
    const p = put(name("A"), "softmax", [last], softmaxRows(results[last]), { scope, how: "softmax" });
    ends.push(put(name("Z"), "weighted sum A v", [p, v], times(results[p], results[v]), { scope, adds: n * n * dk, how: "sum" }));
  }
  let out = ends[0];
  if (a.heads > 1) out = put("Z", "cat", ends, filled(n, a.heads * dk, (r, c) => cell(results[ends[Math.floor(c / dk)]], r, c % dk)), { label: "Z, heads side by side", how: "cat" });
  if (a.Wo) line("O", out, a.Wo, a.bo, ["Wo", "bo"]);
  return { results, tape, dk };
}

// Normal numbers from a seed, the same in every browser (mulberry32 and Box-Muller).
function normals(seed) {
  let state = seed >>> 0;
  const even = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(even() || 1e-12)) * Math.cos(2 * Math.PI * even());
}

function seedOf(word) {
  let hash = 2166136261;
  for (const letter of word.toLowerCase()) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  return hash >>> 0;
}

const tenth = (value) => Math.round(value * 10) / 10;

// Mean of what a softmax over `keys` scores lets through, for queries and keys of dk normal numbers.
function saturation(dk, { scaled, keys = 8, rows = 60, seed = 7 }) {
  const draw = normals(seed + dk);
  let through = 0, top = 0;
  for (let r = 0; r < rows; r++) {
    const q = Float64Array.from({ length: dk }, draw);
    const s = filled(1, keys, () => { let sum = 0; for (let i = 0; i < dk; i++) sum += q[i] * draw(); return scaled ? sum / Math.sqrt(dk) : sum; });
    const p = softmaxRows(s).data;
    through += passed(p) / rows;
    top += Math.max(...p) / rows;
  }
  return { through, top };
}
