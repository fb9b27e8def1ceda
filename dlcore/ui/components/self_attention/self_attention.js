
// The page's instrument: stages of matrices whose cells open to their formula; a changed number redraws all that
// follows from it. All in the browser.

const NAMES = { x: "x", P: "P", xP: "x + P", Wq: "W_q", Wk: "W_k", Wv: "W_v", Wo: "W_o", bq: "b_q", bk: "b_k", bv: "b_v", bo: "b_o", q: "q", k: "k", v: "v", S: "scores", D: "scaled", M: "masked", A: "weights", Z: "z", O: "output" };
const STAGES = [
  ["x", "What each token is", "A token is a row of numbers. Here they are drawn by chance from the word; a trained network has learnt them.", ["x", "P", "xP"]],
  ["qkv", "Query, key, value", "Each token gets three roles: what it looks for (q), by what it can be found (k), and what it hands on (v). Three tables of weights do it, the same for every token.", ["Wq", "bq", "q", "Wk", "bk", "k", "Wv", "bv", "v"]],
  ["scores", "Scores", "Every query meets every key: their product says how well they fit. Row: who looks. Column: at whom.", ["S"]],
  ["scale", "Divide by the root of d_k", "The more numbers a key has, the further scores spread; the root brings them back, so that the softmax stays soft.", ["D"]],
  ["mask", "Mask", "What must not be seen gets minus infinity: the future (causal), or padding.", ["M"]],
  ["softmax", "Softmax", "Scores become shares: all above 0, each row sums to 1, and what is masked is exactly 0.", ["A"]],
  ["sum", "Weighted sum", "Each token takes of every value as much as its share says.", ["Z"]],
  ["out", "Output", "The heads lie side by side; one more table mixes them and brings them back to the token's width.", ["Zall", "O"]],
];
const FOLD = { Wq: "x", Wk: "x", Wv: "x" };

const show = (value) => (value === -Infinity ? "−∞" : (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)).replace("-", "−"));
const fine = (value) => (value === -Infinity ? "−∞" : String(Number(value.toPrecision(5))).replace("-", "−"));
const named = (key) => { const [, base, head] = /^([A-Za-z]+?)(\d*)$/.exec(key); const name = NAMES[base] || base; return name.replace(/_(\w)/, "<sub>$1</sub>") + (head ? `<sup>(${head})</sup>` : ""); };
const plain = (key) => named(key).replace(/<[^>]+>/g, "");

function startAttention(root, data) {
  const s = (root.dlattention = { root, data, seed: 3, own: new Map(), chosen: { key: "A", r: 0, c: 1 }, head: 0, made: {} });
  const find = (name) => root.querySelector(`.dla-${name}`);
  s.find = find;
  s.sentence = root.querySelector(".dla-sentence input");
  s.sentence.value = data.sentence;
  for (const name of ["d", "dk", "heads", "mask", "padding", "scaled", "biases", "out", "positions"]) find(name).onchange = () => redraw(s);
  s.sentence.oninput = () => redraw(s);
  const spread = root.querySelector(".dla-spread input");
  spread.oninput = () => { root.querySelector(".dla-spread output").textContent = spread.value; redraw(s); };
  find("new").onclick = () => { s.seed += 1; s.own.clear(); redraw(s); };
  find("undo").onclick = () => { s.own.clear(); redraw(s); };
  for (const input of root.querySelectorAll(".dla-edit input")) input.oninput = () => { const value = Number(input.value); if (Number.isFinite(value) && input.value !== "") change(s, value, input); };
  find("stages").onclick = (event) => { const td = event.target.closest("td[data-r]"); if (td) choose2(s, td); };
  find("stages").onkeydown = (event) => walk(s, event);
  redraw(s);
  drawLab(s);
  watch(root, () => drawLab(s));
}

function settings(s) {
  const value = (name) => Number(s.find(name).value), checked = (name) => s.find(name).checked;
  const tokens = s.sentence.value.trim().split(/\s+/).filter(Boolean).slice(0, 10);
  if (!tokens.length) tokens.push("…");
  const d = value("d"), dk = value("dk"), heads = value("heads"), inner = dk * heads, spread = Number(s.root.querySelector(".dla-spread input").value);
  const table = (name, rows, cols, factor) => {
    const draw = normals(seedOf(name) + 7919 * s.seed);
    return filled(rows, cols, (r, c) => { const drawn = tenth(draw() * rows ** -0.5 * 1.4) * factor; return s.own.get(`${name}:${r}:${c}`) ?? drawn; });
  };
  const bias = (name, cols) => (checked("biases") ? filled(1, cols, (r, c) => s.own.get(`${name}:0:${c}`) ?? tenth(normals(seedOf(name) + c + 31 * s.seed)() * 0.3)) : null);
  const x = matrix(tokens.length, d);
  tokens.forEach((word, r) => { const draw = normals(seedOf(word)); for (let c = 0; c < d; c++) { const drawn = tenth(draw()); x.data[r * d + c] = s.own.get(`x:${r}:${c}`) ?? drawn; } });
  return {
    tokens, x, heads, scaled: checked("scaled"), causal: s.find("mask").value === "causal", padding: Math.min(value("padding"), tokens.length - 1), positions: checked("positions"),
    Wq: table("Wq", d, inner, spread), Wk: table("Wk", d, inner, spread), Wv: table("Wv", d, inner, 1), Wo: checked("out") ? table("Wo", inner, d, 1) : null,
    bq: bias("bq", inner), bk: bias("bk", inner), bv: bias("bv", inner), bo: checked("out") ? bias("bo", d) : null,
  };
}

function redraw(s) {
  const begin = performance.now();
  s.a = settings(s);
  s.done = attend(s.a);
  s.head = Math.min(s.head, s.a.heads - 1);
  const shape = JSON.stringify([s.a.tokens, s.a.x.cols, s.a.Wq.cols, s.a.heads, s.a.scaled, s.a.causal || s.a.padding > 0, s.a.padding, s.a.positions, !!s.a.Wo, !!s.a.bq, s.head]);
  if (shape !== s.shape) { build(s); s.shape = shape; s.graphStale = true; }
  fill(s);
  tellFormula(s);
  s.find("undo").hidden = !s.own.size;
  if (s.graphStale) { s.graphStale = false; requestAnimationFrame(() => drawOps(s)); }
  s.root.dataset.ms = (performance.now() - begin).toFixed(2);
}

const isHeaded = (base) => ["S", "D", "M", "A", "Z"].includes(base);
function matrixOf(s, key) { return s.done.results[key] || s.a[key] || null; }
function keyOf(s, base) {
  if (base === "Zall") return s.a.heads > 1 ? "Z" : null;
  return isHeaded(base) && s.a.heads > 1 ? `${base}${s.head + 1}` : base;
}

function build(s) {
  const stages = s.find("stages");
  stages.replaceChildren();
  s.views = [];
  let number = 0;
  for (const [id, title, why, bases] of STAGES) {
    const keys = bases.map((base) => keyOf(s, base)).filter((key) => key && matrixOf(s, key));
    const off = id === "scale" && !s.a.scaled;
    if (!keys.length && !off) continue;
    number += 1;
    const card = html("section", { class: `dla-stage dla-is-${id}`, "data-stage": id }, stages);
    const head = html("h3", {}, card);
    head.innerHTML = `<span>${number}</span><span>${title.replace("d_k", "d<sub>k</sub>")}</span>`;
    if (s.a.heads > 1 && isHeaded(bases[0])) tabs(s, head);
    html("p", { class: "dla-why" }, card, off ? "Left out: the softmax gets the scores as they are. Look at its weights and at what it lets through." : why);
    const row = html("div", { class: `dla-row dla-row-${id}` }, card);
    if (id === "qkv") for (const letter of ["q", "k", "v"]) {
      const group = html("div", { class: "dla-trio" }, row);
      const above = html("div", { class: "dla-above" }, group);
      html("span", { class: "dla-op" }, above, s.a.positions ? "(x + P) ·" : "x ·");
      view(s, above, `W${letter}`);
      if (matrixOf(s, `b${letter}`)) { html("span", { class: "dla-op" }, group, "+"); view(s, group, `b${letter}`); }
      html("span", { class: "dla-op" }, group, "=");
      view(s, group, letter);
    }
    else if (id === "out" && s.a.Wo) { if (keys[0] === "Z") view(s, row, "Z"); else html("span", { class: "dla-op" }, row, "z"); html("span", { class: "dla-op" }, row, "·"); view(s, row, "Wo"); if (s.a.bo) { html("span", { class: "dla-op" }, row, "+"); view(s, row, "bo"); } html("span", { class: "dla-op" }, row, "="); view(s, row, "O"); }
    else keys.forEach((key, i) => { if (i) html("span", { class: "dla-op" }, row, i === 1 ? "+" : "="); view(s, row, key); });
  }
}

function tabs(s, head) {
  const group = html("span", { class: "dla-tabs", role: "group", "aria-label": "Head" }, head);
  for (let h = 0; h < s.a.heads; h++) { const button = html("button", { type: "button", "aria-pressed": String(h === s.head) }, group, `head ${h + 1}`); button.onclick = () => { s.head = h; const base = s.chosen.key.replace(/\d+$/, ""); if (base !== s.chosen.key) s.chosen.key = `${base}${h + 1}`; redraw(s); }; }
}

function view(s, parent, key) {
  const m = matrixOf(s, key), base = key.replace(/\d+$/, ""), figure = html("figure", { class: `dla-m dla-m-${base}` }, parent);
  const tokens = !/^[Wb]/.test(base), square = ["S", "D", "M", "A"].includes(base);
  const caption = html("figcaption", {}, figure);
  caption.innerHTML = `${named(key)} <small>${m.rows} × ${m.cols}</small>`;
  const wrap = html("div", { class: "dla-scroll" }, figure), table = html("table", { role: "grid", "aria-label": `${plain(key)}, ${m.rows} rows, ${m.cols} columns` }, wrap), cells = [];
  if (square) { const top = html("tr", { role: "row" }, html("thead", {}, table)); html("td", {}, top); for (const word of s.a.tokens) html("th", { scope: "col" }, top, word); if (base === "A") html("th", { scope: "col", class: "dla-through", title: "Frobenius norm of the softmax's Jacobian: what it lets through of a gradient" }, top, "lets through"); }
  const body = html("tbody", {}, table);
  for (let r = 0; r < m.rows; r++) {
    const tr = html("tr", { role: "row" }, body);
    if (tokens) html("th", { scope: "row" }, tr, s.a.tokens[r]);
    for (let c = 0; c < m.cols; c++) cells.push(html("td", { role: "gridcell", tabindex: -1, "data-key": key, "data-r": r, "data-c": c }, tr));
    if (base === "A") html("td", { class: "dla-through" }, tr);
  }
  cells[0].tabIndex = 0;
  s.views.push({ key, base, table, cells });
}

function fill(s) {
  for (const { key, base, table, cells } of s.views) {
    const m = matrixOf(s, key);
    let top = 1e-9;
    for (const value of m.data) if (Number.isFinite(value)) top = Math.max(top, Math.abs(value));
    if (base === "A") top = 1;
    cells.forEach((td, i) => {
      const value = m.data[i], words = show(value);
      if (td.textContent !== words) td.textContent = words;
      const masked = base === "A" && value === 0 && !allowed(s.a, Math.floor(i / m.cols), i % m.cols);
      td.classList.toggle("dla-masked", value === -Infinity || masked);
      td.style.setProperty("--heat", Number.isFinite(value) ? Math.min(1, Math.abs(value) / top).toFixed(3) : 0);
      td.classList.toggle("dla-low", value < 0);
    });
    if (base === "A") table.querySelectorAll("td.dla-through").forEach((td, r) => { const through = passed(m.data.subarray(r * m.cols, (r + 1) * m.cols)); td.textContent = through.toFixed(3); td.classList.toggle("dla-dead", through < 0.05); });
  }
}

// What a cell is made of: {says, parts: cells of other matrices}.
function formulaOf(s, { key, r, c }) {
  const { a, done } = s, m = matrixOf(s, key), one = done.tape.find((op) => op.key === key), value = cell(m, r, c), token = (i) => `“${a.tokens[i].replace(/[<&]/g, "")}”`;
  const name = (k, i, j) => `${named(k)}<sub>${i + 1},${j + 1}</sub>`, sign = (number) => (number < 0 ? `(${show(number)})` : show(number));
  const equals = ` = <b>${fine(value)}</b>`, parts = [];
  if (!one || one.name === "input") return { says: `${name(key, r, c)}${equals} <i>${key === "x" ? `number ${c + 1} of ${token(r)}; given` : "a weight; given"}. Change it below: all that follows from it is computed anew.</i>`, parts, given: true };
  const from = one.sources.map((i) => done.tape[i].key), [A, B] = from.map((k) => matrixOf(s, k));
  const sum = (terms) => (terms.length > 8 ? [...terms.slice(0, 7), "…"] : terms).join(" + ");
  if (one.how === "linear") {
    const W = a[one.weightName], b = one.biases ? a[one.biasName] : null, terms = [];
    for (let i = 0; i < A.cols; i++) { terms.push(`${show(cell(A, r, i))}·${sign(cell(W, i, c))}`); parts.push([from[0], r, i], [one.weightName, i, c]); }
    if (b) { terms.push(show(b.data[c])); parts.push([one.biasName, 0, c]); }
    return { says: `${name(key, r, c)} = Σ<sub>i</sub> ${named(from[0])}<sub>${r + 1},i</sub> ${named(one.weightName)}<sub>i,${c + 1}</sub>${b ? ` + ${named(one.biasName)}<sub>${c + 1}</sub>` : ""}<br>= ${sum(terms)}${equals}`, parts };
  }
  const both = (i, j) => { for (let t = 0; t < A.cols; t++) parts.push([from[0], i, t], [from[1], j, t]); };
  switch (one.how) {
    case "position": return { says: `${name(key, r, c)} = ${c % 2 ? "cos" : "sin"}(${r} / 10000<sup>${c - (c % 2)}/${m.cols}</sup>)${equals} <i>for place ${r}</i>`, parts };
    case "plus": parts.push(["x", r, c], ["P", r, c]); return { says: `${name("x", r, c)} + ${name("P", r, c)} = ${show(cell(A, r, c))} + ${sign(cell(B, r, c))}${equals}`, parts };
    case "slice": return { says: `${name(key, r, c)} is a column of ${named(from[0])} that belongs to this head${equals}`, parts };
    case "scores": { both(r, c); const terms = []; for (let i = 0; i < A.cols; i++) terms.push(`${show(cell(A, r, i))}·${sign(cell(B, c, i))}`); return { says: `${token(r)} looks at ${token(c)}: ${named(from[0])}<sub>${r + 1}</sub> · ${named(from[1])}<sub>${c + 1}</sub> = ${sum(terms)}${equals}`, parts }; }
    case "divide": parts.push([from[0], r, c]); return { says: `${show(cell(A, r, c))} / √${done.dk} = ${show(cell(A, r, c))} / ${show(Math.sqrt(done.dk))}${equals}`, parts };
    case "mask": parts.push([from[0], r, c]); return { says: allowed(a, r, c) ? `${token(r)} may look at ${token(c)}: the score stays${equals}` : `${token(r)} must not look at ${token(c)} (${c >= a.tokens.length - a.padding ? "padding" : "it comes later"}): −∞, so that its weight is exactly 0`, parts };
    case "softmax": { let below = 0, top = -Infinity; for (let i = 0; i < A.cols; i++) { top = Math.max(top, cell(A, r, i)); parts.push([from[0], r, i]); } for (let i = 0; i < A.cols; i++) below += Math.exp(cell(A, r, i)); const terms = []; for (let i = 0; i < A.cols; i++) terms.push(`e<sup>${show(cell(A, r, i))}</sup>`); return { says: `the share of ${token(c)} in ${token(r)} = e<sup>${show(cell(A, r, c))}</sup> / (${sum(terms)}) = ${fine(Math.exp(cell(A, r, c)))} / ${fine(below)}${equals} <i>the row sums to 1; the softmax lets ${passed(m.data.subarray(r * m.cols, (r + 1) * m.cols)).toFixed(3)} of a gradient through (the norm of its Jacobian; 0.5 at the most)</i>`, parts }; }
    case "sum": { const terms = []; for (let i = 0; i < A.cols; i++) { terms.push(`${show(cell(A, r, i))}·${sign(cell(B, i, c))}`); parts.push([from[0], r, i], [from[1], i, c]); } return { says: `${name(key, r, c)} = Σ<sub>j</sub> ${named(from[0])}<sub>${r + 1},j</sub> ${named(from[1])}<sub>j,${c + 1}</sub> = ${sum(terms)}${equals}`, parts }; }
    default: return { says: `${name(key, r, c)} comes from head ${Math.floor(c / done.dk) + 1}${equals}`, parts };
  }
}

function tellFormula(s) {
  const m = matrixOf(s, s.chosen.key);
  if (!m || s.chosen.r >= m.rows || s.chosen.c >= m.cols) s.chosen = { key: keyOf(s, "A"), r: 0, c: 0 };
  const found = formulaOf(s, s.chosen), lit = new Set(found.parts.map((one) => one.join(":")));
  s.root.querySelector(".dla-says").innerHTML = found.says;
  for (const { key, cells } of s.views) for (const td of cells) {
    const name = `${key}:${td.dataset.r}:${td.dataset.c}`, here = key === s.chosen.key && Number(td.dataset.r) === s.chosen.r && Number(td.dataset.c) === s.chosen.c;
    td.classList.toggle("dla-lit", lit.has(name));
    if (td.classList.contains("dla-here") !== here) { td.classList.toggle("dla-here", here); if (here) td.setAttribute("aria-selected", "true"); else td.removeAttribute("aria-selected"); }
  }
  const edit = s.root.querySelector(".dla-edit");
  edit.hidden = !found.given;
  if (found.given) for (const input of edit.querySelectorAll("input")) if (document.activeElement !== input) input.value = Number(cell(matrixOf(s, s.chosen.key), s.chosen.r, s.chosen.c).toFixed(3));
}

function change(s, value, input) {
  s.own.set(`${s.chosen.key}:${s.chosen.r}:${s.chosen.c}`, value);
  redraw(s);
  for (const other of s.root.querySelectorAll(".dla-edit input")) if (other !== input) other.value = value;
}

function choose2(s, td) {
  s.chosen = { key: td.dataset.key, r: Number(td.dataset.r), c: Number(td.dataset.c) };
  for (const one of td.closest("table").querySelectorAll("td[data-r]")) one.tabIndex = one === td ? 0 : -1;
  td.focus({ preventScroll: true });
  tellFormula(s);
}

function walk(s, event) {
  const td = event.target.closest("td[data-r]"), step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!td || (!step && event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  if (!step) { choose2(s, td); s.root.querySelector(".dla-edit:not([hidden]) input")?.focus(); return; }
  const to = td.closest("table").querySelector(`td[data-r="${Number(td.dataset.r) + step[0]}"][data-c="${Number(td.dataset.c) + step[1]}"]`);
  if (to) choose2(s, to);
}

function drawOps(s) {
  const operations = s.done.tape.map((one) => ({ ...one, name: one.name === "positions" ? "input" : one.name, label: ["input"].includes(one.name) ? plain(one.key) : `${plain(one.key)} · ${one.name}` }));
  graphIn(s.root.querySelector(".dla-graph .dlg"), {
    operations, kinds: {},
    onChoose: (one) => { if (!one) return; const head = /(\d+)$/.exec(one.key); if (head) { s.head = Number(head[1]) - 1; redraw(s); } const key = one.key; const td = s.root.querySelector(`td[data-key="${key}"]`); if (td) { choose2(s, td); td.closest("figure").scrollIntoView({ block: "center", behavior: "smooth" }); } },
  });
}

function drawLab(s) {
  const box = s.root.querySelector(".dla-lab svg"), sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], left = 46, right = 150, top = 12, bottom = 34;
  s.lab ??= { with: sizes.map((dk) => saturation(dk, { scaled: true })), without: sizes.map((dk) => saturation(dk, { scaled: false })) };
  box.replaceChildren();
  const x = (i) => left + (i * (640 - left - right)) / (sizes.length - 1), high = 0.45, y = (value) => top + (1 - value / high) * (220 - top - bottom);
  for (const tick of [0, 0.1, 0.2, 0.3, 0.4]) { svg("line", { x1: left, x2: 640 - right, y1: y(tick), y2: y(tick), class: "dla-grid" }, box); svg("text", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, box, tick.toFixed(1)); }
  sizes.forEach((dk, i) => svg("text", { x: x(i), y: 206, "text-anchor": "middle" }, box, dk));
  svg("text", { x: (left + 640 - right) / 2, y: 236, "text-anchor": "middle", class: "dla-axis" }, box, "numbers in a query and a key, dk");
  for (const [name, words] of [["with", "divided by √dk"], ["without", "not divided"]]) {
    const values = s.lab[name].map((one) => one.through);
    svg("polyline", { points: values.map((value, i) => `${x(i)},${y(value)}`).join(" "), class: `dla-line dla-line-${name}` }, box);
    values.forEach((value, i) => svg(name === "with" ? "circle" : "rect", name === "with" ? { cx: x(i), cy: y(value), r: 3.6, class: `dla-dot-${name}` } : { x: x(i) - 3.3, y: y(value) - 3.3, width: 6.6, height: 6.6, class: `dla-dot-${name}` }, box));
    svg("text", { x: x(sizes.length - 1) + 12, y: y(values.at(-1)) + 4, class: "dla-name" }, box, words);
  }
  const end = (name) => s.lab[name].at(-1), words = `With keys of 512 numbers the softmax lets ${end("without").through.toFixed(3)} of the gradient through undivided and ${end("with").through.toFixed(3)} divided; the largest of 8 weights is ${end("without").top.toFixed(2)} and ${end("with").top.toFixed(2)} on average.`;
  box.setAttribute("aria-label", `What a softmax over 8 scores lets through of a gradient, by the number of numbers in a key. ${words}`);
  s.root.querySelector(".dla-lab-says").textContent = words;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".dla");
  if (root.dataset.drawn === data.version) return;
  startAttention(root, data);
  root.dataset.drawn = data.version;
}
