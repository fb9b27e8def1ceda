
// Numbers as people read them, and arrays of them as coloured cells on a canvas; shared by the pages on networks by hand.

function said(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e4) return value.toFixed(size < 1 ? 4 : size < 100 ? 3 : 1).replace("-", "−");
  const [mantissa, power] = value.toExponential(2).split("e");
  return `${mantissa.replace("-", "−")}·10<sup>${power.replace("+", "").replace("-", "−")}</sup>`;
}

// A number behind a sign: what is below 0 goes into brackets.
function held(value) {
  return value < 0 ? `(${said(value)})` : said(value);
}

function plain(value) {
  return said(value).replace("·10<sup>", "e").replace("</sup>", "");
}

// Where cell i of an array of that shape is drawn: (n) wraps into rows, (H, W) as it is, (C, H, W) channel by channel.
function gridOf(shape) {
  if (shape.length === 1) {
    const n = shape[0], columns = n <= 16 ? n : Math.ceil(Math.sqrt(n));
    return { columns, rows: Math.ceil(n / columns), place: (i) => [i % columns, Math.floor(i / columns)], count: n };
  }
  const [channels, height, width] = shape.length === 2 ? [1, ...shape] : shape;
  const across = Math.ceil(Math.sqrt(channels)), down = Math.ceil(channels / across), gap = channels > 1 ? 1 : 0;
  return {
    columns: across * (width + gap) - gap, rows: down * (height + gap) - gap, count: channels * height * width,
    place: (i) => {
      const channel = Math.floor(i / (height * width)), rest = i % (height * width);
      return [(channel % across) * (width + gap) + rest % width, Math.floor(channel / across) * (height + gap) + Math.floor(rest / width)];
    },
  };
}

function largest(values) {
  let most = 0;
  for (const value of values) if (Number.isFinite(value) && Math.abs(value) > most) most = Math.abs(value);
  return most;
}

// Vermillion above 0, blue below, the ground at 0; the chosen cell framed. Gives what is needed to find a cell again.
function drawCells(canvas, values, shape, chosen, colours, room = 336) {
  const grid = gridOf(shape), ratio = window.devicePixelRatio || 1;
  const side = Math.max(3, Math.min(34, Math.floor(room / grid.columns)));
  canvas.width = grid.columns * side * ratio; canvas.height = grid.rows * side * ratio;
  canvas.style.width = `${grid.columns * side}px`; canvas.style.height = `${grid.rows * side}px`;
  const context = canvas.getContext("2d"), most = largest(values) || 1, edge = side > 5 ? 1 : 0;
  context.scale(ratio, ratio);
  for (let i = 0; i < grid.count; i++) {
    const [x, y] = grid.place(i), value = values[i], share = Math.min(1, Math.abs(value) / most);
    context.fillStyle = colours.raised;
    context.fillRect(x * side, y * side, side - edge, side - edge);
    if (share > 0) {
      context.fillStyle = value > 0 ? `rgba(213,94,0,${0.08 + 0.92 * share})` : `rgba(0,114,178,${0.08 + 0.92 * share})`;
      context.fillRect(x * side, y * side, side - edge, side - edge);
    }
  }
  const [x, y] = grid.place(chosen), line = side > 8 ? 2.5 : 1.5;
  context.lineWidth = line; context.strokeStyle = colours.text;
  context.strokeRect(x * side - 0.5, y * side - 0.5, side, side);
  return { grid, side };
}

function cellAt(drawn, event) {
  const column = Math.floor(event.offsetX / drawn.side), row = Math.floor(event.offsetY / drawn.side);
  for (let i = 0; i < drawn.grid.count; i++) {
    const [x, y] = drawn.grid.place(i);
    if (x === column && y === row) return i;
  }
  return -1;
}

function cellBeside(drawn, chosen, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const [x, y] = drawn.grid.place(chosen);
  for (let step = 1; step <= 2; step++) {
    for (let i = 0; i < drawn.grid.count; i++) {
      const [a, b] = drawn.grid.place(i);
      if (a === x + step * dx && b === y + step * dy) return i;
    }
  }
  return chosen;
}

// A sum as a table: the terms that weigh most, the others together, and the total.
function sumTable(heads, terms, total, { start = null, most = 6 } = {}) {
  const ordered = [...terms].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  const shown = ordered.slice(0, most), rest = ordered.slice(most);
  const rows = shown.map((one) => `<tr><td>${one.name}</td><td>${said(one.a)}</td><td>${said(one.b)}</td><td>${said(one.product)}</td></tr>`);
  if (rest.length) rows.push(`<tr><td colspan="3">${rest.length.toLocaleString("en")} smaller ones together</td><td>${said(rest.reduce((sum, one) => sum + one.product, 0))}</td></tr>`);
  if (start) rows.push(`<tr><td colspan="3">${start.name}</td><td>${said(start.value)}</td></tr>`);
  rows.push(`<tr class="dl-total"><td colspan="3">sum</td><td>${said(total)}</td></tr>`);
  return `<table><thead><tr>${heads.map((head) => `<th>${head}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function badge(error) {
  const power = error === 0 ? "0 difference" : `a difference of ${error.toExponential(0)}`;
  return `<span class="dl-badge${error > 1e-6 ? " dl-off" : ""}" title="Largest difference from autograd in this layer, over the largest of its numbers; measured for this very example.">equals autograd to ${power}</span>`;
}
