// The stages of the computation as tables of numbers.

import { htmlElement } from "../shared/dom.js";
import { markup, setMarkup } from "../shared/markup.js";
import { allowed, jacobianNorm } from "./attention.js";
import { findMatrix, formatShort, isPerHead, matrixKey, symbol, symbolText } from "./names.js";

const STAGES = [
  [
    "x",
    "Token embeddings",
    "A token is a vector. Here it is random with the word as seed; a trained network learns it.",
    ["x", "P", "xP"],
  ],
  [
    "qkv",
    "Query, key, value",
    "Three linear layers give each token a query (what it looks for), a key (what it offers) and a value.",
    ["Wq", "bq", "q", "Wk", "bk", "k", "Wv", "bv", "v"],
  ],
  ["scores", "Scores", "Dot products: queries (rows), keys (columns).", ["S"]],
  [
    "scale",
    markup`Divide by the root of d<sub>k</sub>`,
    "Scores grow with key size; dividing keeps the softmax unsaturated.",
    ["D"],
  ],
  ["mask", "Mask", "Masked scores become minus infinity, their weights 0: later tokens (causal) or padding.", ["M"]],
  ["softmax", "Softmax", "Weights are positive, and each row sums to 1.", ["A"]],
  ["sum", "Weighted sum", "Values, weighted by attention.", ["Z"]],
  ["out", "Output", "Concatenated heads, projected to embedding size.", ["Zall", "O"]],
];

const FOLDED = ["x", "qkv"]; // the scores are seen first

export function buildStages(s) {
  const stages = s.find("stages");
  const open = new Set([...stages.querySelectorAll("details[open]")].map((card) => card.dataset.stage));
  stages.replaceChildren();
  s.views = [];
  let number = 0;
  for (const [id, title, explanation, bases] of STAGES) {
    const keys = bases.map((base) => matrixKey(s, base)).filter((key) => key && findMatrix(s, key));
    const isLeftOut = id === "scale" && !s.a.scaled;
    if (!keys.length && !isLeftOut) continue;
    number += 1;
    const isFolded = FOLDED.includes(id);
    const tag = isFolded ? "details" : "section";
    const card = htmlElement(tag, { class: `dla-stage dla-is-${id}`, "data-stage": id }, stages);
    card.toggleAttribute("open", isFolded && open.has(id));
    if (id === "scores") card.setAttribute("data-picture", "");
    const head = htmlElement("h3", {}, isFolded ? htmlElement("summary", {}, card) : card);
    setMarkup(head, markup`<span>${number}</span><span>${title}</span>`);
    if (s.a.heads > 1 && isPerHead(bases[0])) headTabs(s, head);
    htmlElement(
      "p",
      { class: "dla-why" },
      card,
      isLeftOut ? "Skipped: the softmax gets the scores directly. Compare its weights and Jacobian norm." : explanation,
    );
    const row = htmlElement("div", { class: `dla-row dla-row-${id}` }, card);
    if (id === "qkv")
      for (const letter of ["q", "k", "v"]) {
        const group = htmlElement("div", { class: "dla-trio" }, row);
        const above = htmlElement("div", { class: "dla-above" }, group);
        htmlElement("span", { class: "dla-op" }, above, s.a.positions ? "(x + P) ·" : "x ·");
        addMatrix(s, above, `W${letter}`);
        if (findMatrix(s, `b${letter}`)) {
          htmlElement("span", { class: "dla-op" }, group, "+");
          addMatrix(s, group, `b${letter}`);
        }
        htmlElement("span", { class: "dla-op" }, group, "=");
        addMatrix(s, group, letter);
      }
    else if (id === "out" && s.a.Wo) {
      if (keys[0] === "Z") addMatrix(s, row, "Z");
      else htmlElement("span", { class: "dla-op" }, row, "z");
      htmlElement("span", { class: "dla-op" }, row, "·");
      addMatrix(s, row, "Wo");
      if (s.a.bo) {
        htmlElement("span", { class: "dla-op" }, row, "+");
        addMatrix(s, row, "bo");
      }
      htmlElement("span", { class: "dla-op" }, row, "=");
      addMatrix(s, row, "O");
    } else
      keys.forEach((key, i) => {
        if (i) htmlElement("span", { class: "dla-op" }, row, i === 1 ? "+" : "=");
        addMatrix(s, row, key);
      });
  }
}

function headTabs(s, head) {
  const group = htmlElement("span", { class: "dla-tabs", role: "group", "aria-label": "Head" }, head);
  for (let h = 0; h < s.a.heads; h++) {
    const button = htmlElement(
      "button",
      { type: "button", "aria-pressed": String(h === s.head) },
      group,
      `head ${h + 1}`,
    );
    button.onclick = () => {
      s.head = h;
      const base = s.chosen.key.replace(/\d+$/, "");
      if (base !== s.chosen.key) s.chosen.key = `${base}${h + 1}`;
      s.redraw();
    };
  }
}

function addMatrix(s, parent, key) {
  const m = findMatrix(s, key);
  const base = key.replace(/\d+$/, "");
  const figure = htmlElement("figure", { class: `dla-m dla-m-${base}` }, parent);
  const tokens = !/^[Wb]/.test(base);
  const square = ["S", "D", "M", "A"].includes(base);
  const caption = htmlElement("figcaption", {}, figure);
  setMarkup(caption, markup`${symbol(key)} <small>${m.rows} × ${m.cols}</small>`);
  const wrap = htmlElement("div", { class: "dla-scroll" }, figure);
  const table = htmlElement(
    "table",
    { role: "grid", "aria-label": `${symbolText(key)}, ${m.rows} rows, ${m.cols} columns` },
    wrap,
  );
  const cells = [];
  if (square) {
    const top = htmlElement("tr", { role: "row" }, htmlElement("thead", {}, table));
    htmlElement("td", {}, top);
    for (const word of s.a.tokens) htmlElement("th", { scope: "col" }, top, word);
    if (base === "A")
      htmlElement(
        "th",
        {
          scope: "col",
          class: "dla-through",
          title: "Frobenius norm of the Jacobian of the softmax",
        },
        top,
        "Jacobian",
      );
  }
  const body = htmlElement("tbody", {}, table);
  for (let r = 0; r < m.rows; r++) {
    const tr = htmlElement("tr", { role: "row" }, body);
    if (tokens) htmlElement("th", { scope: "row" }, tr, s.a.tokens[r]);
    for (let c = 0; c < m.cols; c++)
      cells.push(htmlElement("td", { role: "gridcell", tabindex: -1, "data-key": key, "data-r": r, "data-c": c }, tr));
    if (base === "A") htmlElement("td", { class: "dla-through" }, tr);
  }
  cells[0].tabIndex = 0;
  s.views.push({ key, base, table, cells });
}

export function fillValues(s) {
  for (const { key, base, table, cells } of s.views) {
    const m = findMatrix(s, key);
    let top = 1e-9;
    for (const value of m.data) if (Number.isFinite(value)) top = Math.max(top, Math.abs(value));
    if (base === "A") top = 1;
    cells.forEach((td, i) => {
      const value = m.data[i];
      const text = formatShort(value);
      if (td.textContent !== text) td.textContent = text;
      const masked = base === "A" && value === 0 && !allowed(s.a, Math.floor(i / m.cols), i % m.cols);
      td.classList.toggle("dla-masked", value === -Infinity || masked);
      td.style.setProperty("--heat", Number.isFinite(value) ? Math.min(1, Math.abs(value) / top).toFixed(3) : 0);
      td.classList.toggle("dla-low", value < 0);
    });
    if (base === "A")
      table.querySelectorAll("td.dla-through").forEach((td, r) => {
        const passed = jacobianNorm(m.data.subarray(r * m.cols, (r + 1) * m.cols));
        td.textContent = passed.toFixed(3);
        td.classList.toggle("dla-dead", passed < 0.05);
      });
  }
}
