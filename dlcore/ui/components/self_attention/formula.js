// The formula behind the selected cell.

import { allowed, passed } from "./attention.js";
import { cell } from "./matrix.js";
import { fine, keyOf, matrixOf, named, show } from "./names.js";

// What a cell is made of: {says, parts: cells of other matrices}.
function formulaOf(s, { key, r, c }) {
  const { a, done } = s;
  const m = matrixOf(s, key);
  const one = done.tape.find((op) => op.key === key);
  const value = cell(m, r, c);
  const token = (i) => `“${a.tokens[i].replace(/[<&]/g, "")}”`;
  const name = (k, i, j) => `${named(k)}<sub>${i + 1},${j + 1}</sub>`;
  const sign = (number) => (number < 0 ? `(${show(number)})` : show(number));
  const equals = ` = <b>${fine(value)}</b>`;
  const parts = [];
  if (!one || one.name === "input")
    return {
      says: `${name(key, r, c)}${equals} <i>${key === "x" ? `number ${c + 1} of ${token(r)}; given` : "a weight; given"}. Change it below: all that follows from it is computed anew.</i>`,
      parts,
      given: true,
    };
  const from = one.sources.map((i) => done.tape[i].key);
  const [A, B] = from.map((k) => matrixOf(s, k));
  const sum = (terms) => (terms.length > 8 ? [...terms.slice(0, 7), "…"] : terms).join(" + ");
  if (one.how === "linear") {
    const W = a[one.weightName];
    const b = one.biases ? a[one.biasName] : null;
    const terms = [];
    for (let i = 0; i < A.cols; i++) {
      terms.push(`${show(cell(A, r, i))}·${sign(cell(W, i, c))}`);
      parts.push([from[0], r, i], [one.weightName, i, c]);
    }
    if (b) {
      terms.push(show(b.data[c]));
      parts.push([one.biasName, 0, c]);
    }
    return {
      says: `${name(key, r, c)} = Σ<sub>i</sub> ${named(from[0])}<sub>${r + 1},i</sub> ${named(one.weightName)}<sub>i,${c + 1}</sub>${b ? ` + ${named(one.biasName)}<sub>${c + 1}</sub>` : ""}<br>= ${sum(terms)}${equals}`,
      parts,
    };
  }
  const both = (i, j) => {
    for (let t = 0; t < A.cols; t++) parts.push([from[0], i, t], [from[1], j, t]);
  };
  switch (one.how) {
    case "position":
      return {
        says: `${name(key, r, c)} = ${c % 2 ? "cos" : "sin"}(${r} / 10000<sup>${c - (c % 2)}/${m.cols}</sup>)${equals} <i>for place ${r}</i>`,
        parts,
      };
    case "plus":
      parts.push(["x", r, c], ["P", r, c]);
      return {
        says: `${name("x", r, c)} + ${name("P", r, c)} = ${show(cell(A, r, c))} + ${sign(cell(B, r, c))}${equals}`,
        parts,
      };
    case "slice":
      return { says: `${name(key, r, c)} is a column of ${named(from[0])} that belongs to this head${equals}`, parts };
    case "scores": {
      both(r, c);
      const terms = [];
      for (let i = 0; i < A.cols; i++) terms.push(`${show(cell(A, r, i))}·${sign(cell(B, c, i))}`);
      return {
        says: `${token(r)} looks at ${token(c)}: ${named(from[0])}<sub>${r + 1}</sub> · ${named(from[1])}<sub>${c + 1}</sub> = ${sum(terms)}${equals}`,
        parts,
      };
    }
    case "divide":
      parts.push([from[0], r, c]);
      return {
        says: `${show(cell(A, r, c))} / √${done.dk} = ${show(cell(A, r, c))} / ${show(Math.sqrt(done.dk))}${equals}`,
        parts,
      };
    case "mask":
      parts.push([from[0], r, c]);
      return {
        says: allowed(a, r, c)
          ? `${token(r)} may look at ${token(c)}: the score stays${equals}`
          : `${token(r)} must not look at ${token(c)} (${c >= a.tokens.length - a.padding ? "padding" : "it comes later"}): −∞, so that its weight is exactly 0`,
        parts,
      };
    case "softmax": {
      let below = 0;
      let top = -Infinity;
      for (let i = 0; i < A.cols; i++) {
        top = Math.max(top, cell(A, r, i));
        parts.push([from[0], r, i]);
      }
      for (let i = 0; i < A.cols; i++) below += Math.exp(cell(A, r, i));
      const terms = [];
      for (let i = 0; i < A.cols; i++) terms.push(`e<sup>${show(cell(A, r, i))}</sup>`);
      return {
        says: `the share of ${token(c)} in ${token(r)} = e<sup>${show(cell(A, r, c))}</sup> / (${sum(terms)}) = ${fine(Math.exp(cell(A, r, c)))} / ${fine(below)}${equals} <i>the row sums to 1; the softmax lets ${passed(m.data.subarray(r * m.cols, (r + 1) * m.cols)).toFixed(3)} of a gradient through (the norm of its Jacobian; 0.5 at the most)</i>`,
        parts,
      };
    }
    case "sum": {
      const terms = [];
      for (let i = 0; i < A.cols; i++) {
        terms.push(`${show(cell(A, r, i))}·${sign(cell(B, i, c))}`);
        parts.push([from[0], r, i], [from[1], i, c]);
      }
      return {
        says: `${name(key, r, c)} = Σ<sub>j</sub> ${named(from[0])}<sub>${r + 1},j</sub> ${named(from[1])}<sub>j,${c + 1}</sub> = ${sum(terms)}${equals}`,
        parts,
      };
    }
    default:
      return { says: `${name(key, r, c)} comes from head ${Math.floor(c / done.dk) + 1}${equals}`, parts };
  }
}

export function tellFormula(s) {
  const m = matrixOf(s, s.chosen.key);
  if (!m || s.chosen.r >= m.rows || s.chosen.c >= m.cols) s.chosen = { key: keyOf(s, "A"), r: 0, c: 0 };
  const found = formulaOf(s, s.chosen);
  const lit = new Set(found.parts.map((one) => one.join(":")));
  s.root.querySelector(".dla-says").innerHTML = found.says;
  for (const { key, cells } of s.views)
    for (const td of cells) {
      const name = `${key}:${td.dataset.r}:${td.dataset.c}`;
      const here = key === s.chosen.key && Number(td.dataset.r) === s.chosen.r && Number(td.dataset.c) === s.chosen.c;
      td.classList.toggle("dla-lit", lit.has(name));
      if (td.classList.contains("dla-here") !== here) {
        td.classList.toggle("dla-here", here);
        if (here) td.setAttribute("aria-selected", "true");
        else td.removeAttribute("aria-selected");
      }
    }
  const edit = s.root.querySelector(".dla-edit");
  edit.hidden = !found.given;
  if (found.given)
    for (const input of edit.querySelectorAll("input"))
      if (document.activeElement !== input)
        input.value = Number(cell(matrixOf(s, s.chosen.key), s.chosen.r, s.chosen.c).toFixed(3));
}
