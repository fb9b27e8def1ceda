// The formula behind the selected cell.

import { joinMarkup, markup, setMarkup } from "../shared/markup.js";
import { allowed, jacobianNorm } from "./attention.js";
import { cell } from "./matrix.js";
import { findMatrix, formatPrecise, formatShort, matrixKey, symbol } from "./names.js";

// Describes a cell: {content, parts: the cells it is computed from}.
function describeCell(s, { key, r, c }) {
  const { a, done: computation } = s;
  const m = findMatrix(s, key);
  const operation = computation.tape.find((op) => op.key === key);
  const value = cell(m, r, c);
  const token = (i) => `“${a.tokens[i]}”`;
  const name = (k, i, j) => markup`${symbol(k)}<sub>${i + 1},${j + 1}</sub>`;
  const sign = (number) => (number < 0 ? `(${formatShort(number)})` : formatShort(number));
  const equals = markup` = <b>${formatPrecise(value)}</b>`;
  const inputs = [];
  if (!operation || operation.name === "input")
    return {
      content: markup`${name(key, r, c)}${equals} <i>
        ${key === "x" ? `input, dimension ${c + 1} of ${token(r)}` : "weight"}.
        Change it below to recompute all that depends on it.</i>`,
      parts: inputs,
      isInput: true,
    };
  const sources = operation.sources.map((i) => computation.tape[i].key);
  const [A, B] = sources.map((k) => findMatrix(s, k));
  const sum = (terms) => joinMarkup(terms.length > 8 ? [...terms.slice(0, 7), "…"] : terms, " + ");
  if (operation.how === "linear") {
    const W = a[operation.weightName];
    const b = operation.biases ? a[operation.biasName] : null;
    const terms = [];
    for (let i = 0; i < A.cols; i++) {
      terms.push(`${formatShort(cell(A, r, i))}·${sign(cell(W, i, c))}`);
      inputs.push([sources[0], r, i], [operation.weightName, i, c]);
    }
    if (b) {
      terms.push(formatShort(b.data[c]));
      inputs.push([operation.biasName, 0, c]);
    }
    return {
      content: markup`${name(key, r, c)} = Σ<sub>i</sub> ${symbol(sources[0])}<sub>${r + 1},i</sub>
        ${symbol(operation.weightName)}<sub>i,${c + 1}</sub>
        ${b ? markup` + ${symbol(operation.biasName)}<sub>${c + 1}</sub>` : ""}<br>= ${sum(terms)}${equals}`,
      parts: inputs,
    };
  }
  const addProducts = (i, j) => {
    for (let t = 0; t < A.cols; t++) inputs.push([sources[0], i, t], [sources[1], j, t]);
  };
  switch (operation.how) {
    case "position":
      return {
        content: markup`${name(key, r, c)} = ${c % 2 ? "cos" : "sin"}(${r} / 10000<sup>${c - (c % 2)}/${m.cols}</sup>)
          ${equals} <i>at position ${r}</i>`,
        parts: inputs,
      };
    case "plus":
      inputs.push(["x", r, c], ["P", r, c]);
      return {
        content: markup`${name("x", r, c)} + ${name("P", r, c)} =
          ${formatShort(cell(A, r, c))} + ${sign(cell(B, r, c))}${equals}`,
        parts: inputs,
      };
    case "slice":
      return {
        content: markup`${name(key, r, c)} is a column of ${symbol(sources[0])} for this head${equals}`,
        parts: inputs,
      };
    case "scores": {
      addProducts(r, c);
      const terms = [];
      for (let i = 0; i < A.cols; i++) terms.push(`${formatShort(cell(A, r, i))}·${sign(cell(B, c, i))}`);
      return {
        content: markup`${token(r)} attends to ${token(c)}: ${symbol(sources[0])}<sub>${r + 1}</sub> ·
          ${symbol(sources[1])}<sub>${c + 1}</sub> = ${sum(terms)}${equals}`,
        parts: inputs,
      };
    }
    case "divide":
      inputs.push([sources[0], r, c]);
      return {
        content: markup`${formatShort(cell(A, r, c))} / √${computation.dk} =
          ${formatShort(cell(A, r, c))} / ${formatShort(Math.sqrt(computation.dk))}${equals}`,
        parts: inputs,
      };
    case "mask":
      inputs.push([sources[0], r, c]);
      return {
        content: allowed(a, r, c)
          ? markup`${token(r)} can attend to ${token(c)}: the score is unchanged${equals}`
          : markup`${token(r)} cannot attend to ${token(c)}
            (${c >= a.tokens.length - a.padding ? "padding" : "a later token"}): −∞, so its weight is exactly 0`,
        parts: inputs,
      };
    case "softmax": {
      let total = 0;
      let top = -Infinity;
      for (let i = 0; i < A.cols; i++) {
        top = Math.max(top, cell(A, r, i));
        inputs.push([sources[0], r, i]);
      }
      for (let i = 0; i < A.cols; i++) total += Math.exp(cell(A, r, i));
      const terms = [];
      for (let i = 0; i < A.cols; i++) terms.push(markup`e<sup>${formatShort(cell(A, r, i))}</sup>`);
      const norm = jacobianNorm(m.data.subarray(r * m.cols, (r + 1) * m.cols));
      return {
        content: markup`attention weight of ${token(c)} for ${token(r)} = e<sup>${formatShort(cell(A, r, c))}</sup> /
          (${sum(terms)}) = ${formatPrecise(Math.exp(cell(A, r, c)))} / ${formatPrecise(total)}${equals}
          <i>rows sum to 1; norm of the softmax Jacobian: ${norm.toFixed(3)} (at most 0.5)</i>`,
        parts: inputs,
      };
    }
    case "sum": {
      const terms = [];
      for (let i = 0; i < A.cols; i++) {
        terms.push(`${formatShort(cell(A, r, i))}·${sign(cell(B, i, c))}`);
        inputs.push([sources[0], r, i], [sources[1], i, c]);
      }
      return {
        content: markup`${name(key, r, c)} = Σ<sub>j</sub> ${symbol(sources[0])}<sub>${r + 1},j</sub>
          ${symbol(sources[1])}<sub>j,${c + 1}</sub> = ${sum(terms)}${equals}`,
        parts: inputs,
      };
    }
    default:
      return {
        content: markup`${name(key, r, c)} from head ${Math.floor(c / computation.dk) + 1}${equals}`,
        parts: inputs,
      };
  }
}

export function updateFormula(s) {
  const m = findMatrix(s, s.chosen.key);
  if (!m || s.chosen.r >= m.rows || s.chosen.c >= m.cols) s.chosen = { key: matrixKey(s, "A"), r: 0, c: 0 };
  const description = describeCell(s, s.chosen);
  const highlighted = new Set(description.parts.map((operation) => operation.join(":")));
  setMarkup(s.root.querySelector(".dla-says"), description.content);
  for (const { key, cells } of s.views)
    for (const td of cells) {
      const name = `${key}:${td.dataset.r}:${td.dataset.c}`;
      const isSelected =
        key === s.chosen.key && Number(td.dataset.r) === s.chosen.r && Number(td.dataset.c) === s.chosen.c;
      td.classList.toggle("dla-lit", highlighted.has(name));
      if (td.classList.contains("dla-here") !== isSelected) {
        td.classList.toggle("dla-here", isSelected);
        if (isSelected) td.setAttribute("aria-selected", "true");
        else td.removeAttribute("aria-selected");
      }
    }
  const edit = s.root.querySelector(".dla-edit");
  edit.hidden = !description.isInput;
  if (description.isInput)
    for (const input of edit.querySelectorAll("input"))
      if (document.activeElement !== input)
        input.value = Number(cell(findMatrix(s, s.chosen.key), s.chosen.r, s.chosen.c).toFixed(3));
}
