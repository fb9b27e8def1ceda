// Formats numbers, weighted sums and the comparison with autograd as HTML.

export function formatNumber(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e4) return value.toFixed(size < 1 ? 4 : size < 100 ? 3 : 1).replace("-", "−");
  const [mantissa, power] = value.toExponential(2).split("e");
  return `${mantissa.replace("-", "−")}·10<sup>${power.replace("+", "").replace("-", "−")}</sup>`;
}

// A factor: negative numbers in brackets.
export function formatFactor(value) {
  return value < 0 ? `(${formatNumber(value)})` : formatNumber(value);
}

export function formatPlain(value) {
  return formatNumber(value).replace("·10<sup>", "e").replace("</sup>", "");
}

// A sum as a table: the largest terms, the sum of the others, the total.
export function sumTable(headings, terms, total, { start = null, maxRows = 6 } = {}) {
  const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = ordered.slice(0, maxRows);
  const others = ordered.slice(maxRows);
  const rows = shown.map(
    (term) => `<tr><td>${[term.name, ...[term.a, term.b, term.product].map(formatNumber)].join("</td><td>")}</td></tr>`,
  );
  const sum = others.reduce((partialSum, term) => partialSum + term.product, 0);
  if (others.length)
    rows.push(
      `<tr><td colspan="3">${others.length.toLocaleString("en")} smaller terms</td><td>${formatNumber(sum)}</td></tr>`,
    );
  if (start) rows.push(`<tr><td colspan="3">${start.name}</td><td>${formatNumber(start.value)}</td></tr>`);
  rows.push(`<tr class="dl-total"><td colspan="3">sum</td><td>${formatNumber(total)}</td></tr>`);
  const head = headings.map((heading) => `<th>${heading}</th>`).join("");
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

export function autogradBadge(error) {
  const power = error === 0 ? "difference 0" : `a difference of ${error.toExponential(0)}`;
  const title = "Maximum relative difference from autograd in this layer, measured on this example";
  return `<span class="dl-badge${error > 1e-6 ? " dl-off" : ""}" title="${title}">equals autograd to ${power}</span>`;
}

export function formatPercent(value) {
  return value < 0.0995 ? `${(100 * value).toFixed(1)} %` : `${(100 * value).toFixed(0)} %`;
}
