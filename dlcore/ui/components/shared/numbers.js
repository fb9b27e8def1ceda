// Formats numbers, weighted sums and the comparison with autograd as HTML.

export function formatNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e4) return value.toFixed(size < 1 ? 4 : size < 100 ? 3 : 1).replace("-", "−");
  const [mantissa, power] = value.toExponential(2).split("e");
  return `${mantissa.replace("-", "−")}·10<sup>${power.replace("+", "").replace("-", "−")}</sup>`;
}

// A number behind a sign: what is below 0 goes into brackets.
export function formatFactor(value) {
  return value < 0 ? `(${formatNumber(value)})` : formatNumber(value);
}

export function formatPlain(value) {
  return formatNumber(value).replace("·10<sup>", "e").replace("</sup>", "");
}

// A sum as a table: the terms that weigh most, the others together, and the total.
export function sumTable(headings, terms, total, { start = null, most: maxRows = 6 } = {}) {
  const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = ordered.slice(0, maxRows);
  const others = ordered.slice(maxRows);
  const rows = shown.map(
    (term) =>
      `<tr><td>${term.name}</td><td>${formatNumber(term.a)}</td><td>${formatNumber(term.b)}</td><td>${formatNumber(term.product)}</td></tr>`,
  );
  if (others.length)
    rows.push(
      `<tr><td colspan="3">${others.length.toLocaleString("en")} smaller ones together</td><td>${formatNumber(others.reduce((sum, term) => sum + term.product, 0))}</td></tr>`,
    );
  if (start) rows.push(`<tr><td colspan="3">${start.name}</td><td>${formatNumber(start.value)}</td></tr>`);
  rows.push(`<tr class="dl-total"><td colspan="3">sum</td><td>${formatNumber(total)}</td></tr>`);
  return `<table><thead><tr>${headings.map((head) => `<th>${head}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

export function autogradBadge(error) {
  const power = error === 0 ? "0 difference" : `a difference of ${error.toExponential(0)}`;
  return `<span class="dl-badge${error > 1e-6 ? " dl-off" : ""}" title="Largest difference from autograd in this layer, over the largest of its numbers; measured for this very example.">equals autograd to ${power}</span>`;
}

export function formatPercent(value) {
  return value < 0.0995 ? `${(100 * value).toFixed(1)} %` : `${(100 * value).toFixed(0)} %`;
}
