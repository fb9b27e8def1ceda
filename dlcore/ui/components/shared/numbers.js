// Formats numbers, weighted sums and the comparison with autograd.

import { markup } from "./markup.js";

// Digits and power of ten ("" if it is not shown).
function toParts(value) {
  if (value === 0) return ["0", ""];
  const size = Math.abs(value);
  const isPlain = size >= 1e-3 && size < 1e4;
  const text = isPlain ? value.toFixed(size < 1 ? 4 : size < 100 ? 3 : 1) : value.toExponential(2);
  const [digits, power = ""] = text.split("e");
  return [digits.replace("-", "−"), power.replace("+", "").replace("-", "−")];
}

export function formatNumber(value) {
  const [digits, power] = toParts(value);
  return power ? markup`${digits}·10<sup>${power}</sup>` : markup`${digits}`;
}

// A factor: negative numbers in brackets.
export function formatFactor(value) {
  return value < 0 ? markup`(${formatNumber(value)})` : formatNumber(value);
}

export function formatPlain(value) {
  return toParts(value).filter(Boolean).join("e");
}

// A sum as a table: the largest terms, the sum of the others, the total. A term's name is a function.
export function sumTable(headings, terms, total, { start = null, maxRows = 6 } = {}) {
  const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = ordered.slice(0, maxRows);
  const others = ordered.slice(maxRows);
  const cell = (content) => markup`<td>${content}</td>`;
  const lastRow = (name, value) => markup`<tr><td colspan="3">${name}</td>${cell(formatNumber(value))}</tr>`;
  const rows = shown.map(
    (term) => markup`<tr>${[term.name(), ...[term.a, term.b, term.product].map(formatNumber)].map(cell)}</tr>`,
  );
  const sum = others.reduce((partialSum, term) => partialSum + term.product, 0);
  if (others.length) rows.push(lastRow(`${others.length.toLocaleString("en")} smaller terms`, sum));
  if (start) rows.push(lastRow(start.name, start.value));
  const head = headings.map((heading) => markup`<th>${heading}</th>`);
  return markup`<table><thead><tr>${head}</tr></thead><tbody>${rows}
    <tr class="dl-total"><td colspan="3">sum</td>${cell(formatNumber(total))}</tr></tbody></table>`;
}

export function autogradBadge(error) {
  const power = error === 0 ? "difference 0" : `a difference of ${error.toExponential(0)}`;
  const title = "Maximum relative difference from autograd in this layer, measured on this example";
  const state = error > 1e-6 ? "dl-badge dl-off" : "dl-badge";
  return markup`<span class="${state}" title="${title}">equals autograd to ${power}</span>`;
}

export function formatPercent(value) {
  return value < 0.0995 ? `${(100 * value).toFixed(1)} %` : `${(100 * value).toFixed(0)} %`;
}
