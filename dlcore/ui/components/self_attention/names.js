// Names and numbers as the page shows them.

import { markup } from "../shared/markup.js";

const NAMES = {
  x: "x",
  P: "P",
  xP: "x + P",
  Wq: "W_q",
  Wk: "W_k",
  Wv: "W_v",
  Wo: "W_o",
  bq: "b_q",
  bk: "b_k",
  bv: "b_v",
  bo: "b_o",
  q: "q",
  k: "k",
  v: "v",
  S: "scores",
  D: "scaled",
  M: "masked",
  A: "weights",
  Z: "z",
  O: "output",
};

export const formatShort = (value) =>
  value === -Infinity ? "−∞" : (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)).replace("-", "−");

export const formatPrecise = (value) =>
  value === -Infinity ? "−∞" : String(Number(value.toPrecision(5))).replace("-", "−");

// Letter, subscript and head of a matrix.
const symbolParts = (key) => {
  const [, base, head] = /^([A-Za-z]+?)(\d*)$/.exec(key);
  const [letter, below = ""] = (NAMES[base] || base).split("_");
  return [letter, below, head ? `(${head})` : ""];
};

export const symbol = (key) => {
  const [letter, below, above] = symbolParts(key);
  return markup`${letter}${below && markup`<sub>${below}</sub>`}${above && markup`<sup>${above}</sup>`}`;
};

export const symbolText = (key) => symbolParts(key).join("");

export const isPerHead = (base) => ["S", "D", "M", "A", "Z"].includes(base);

export function findMatrix(s, key) {
  return s.done.results[key] || s.a[key] || null;
}

export function matrixKey(s, base) {
  if (base === "Zall") return s.a.heads > 1 ? "Z" : null;
  return isPerHead(base) && s.a.heads > 1 ? `${base}${s.head + 1}` : base;
}
