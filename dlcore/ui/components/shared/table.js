// Tables of figures as CSV.

const FORMULA = /^[=+\-@\t\r]/; // a spreadsheet would compute such a text

function cell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  let text = String(value).replaceAll("&lt;", "<");
  if (typeof value === "string" && FORMULA.test(text) && Number.isNaN(Number(text))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// Rows of values as CSV; the first row has the names of the columns.
export function toCsv(rows) {
  return `${Array.from(rows, (row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

const isDate = (axis) => axis?.type === "date";
const format = (value, axis) =>
  isDate(axis) && typeof value === "number" ? new Date(value).toISOString().replace(".000Z", "") : value;
const plain = (text, otherwise) => (text ?? otherwise).replace(/<[^>]*>/g, " ").trim() || otherwise;

function axesOf(figure, trace) {
  const layout = figure._fullLayout ?? figure.layout;
  const find = (name) => layout[(trace[`${name}axis`] ?? name).replace(/^([xy])(\d*)$/, "$1axis$2")];
  return [find("x"), find("y")];
}

function* matrixRows(trace, name, axes) {
  const at = (values, i) => values?.[i] ?? (values ? "" : i);
  for (const [i, row] of [...trace.z].entries())
    for (const [j, value] of [...row].entries())
      yield [name, format(at(trace.x, j), axes[0]), format(at(trace.y, i), axes[1]), value];
}

// Rows of a Plotly chart, one for each point of each trace.
export function* plotlyTable(figure) {
  const traces = figure.data.map((trace, i) => {
    const full = figure._fullData?.find((each) => each.index === i) ?? {};
    const pick = (name) => (ArrayBuffer.isView(full[name]) || Array.isArray(full[name]) ? full[name] : trace[name]);
    const names = ["x", "y", "z", "values", "labels", "text", "dimensions", "error_y", "base"];
    return { ...Object.fromEntries(names.map((each) => [each, pick(each)])), trace, name: trace.name ?? `${i + 1}` };
  });
  const first = traces[0];
  if (!first) return;
  if (first.dimensions) {
    yield first.dimensions.map((each) => plain(each.label, ""));
    for (let i = 0; i < first.dimensions[0].values.length; i++) yield first.dimensions.map((each) => each.values[i]);
    return;
  }
  const [x, y] = axesOf(figure, first.trace).map((axis, i) => plain(axis?.title?.text, "xy"[i]));
  const isMatrix = traces.some((trace) => Array.isArray(trace.z) || ArrayBuffer.isView(trace.z));
  yield ["trace", x, y, ...(isMatrix ? ["value"] : [])];
  for (const trace of traces) {
    const axes = axesOf(figure, trace.trace);
    if (trace.z) yield* matrixRows(trace, trace.name, axes);
    else {
      const [left, right] = [trace.x ?? trace.labels, trace.y ?? trace.values];
      const count = (left ?? right ?? []).length;
      for (let i = 0; i < count; i++)
        yield [trace.name, format(left ? left[i] : i, axes[0]), format(right ? right[i] : "", axes[1])];
    }
  }
}
