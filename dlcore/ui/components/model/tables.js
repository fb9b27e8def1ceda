// Reads a CSV file: a time column and columns of numbers at equal steps.

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?Z?$/;

function parseTime(text) {
  const match = TIME.exec(text.trim());
  if (!match) return Number.NaN;
  const [year, month, day, hour, minute, second, fraction] = match.slice(1).map((part) => part ?? "0");
  return Date.UTC(year, month - 1, day, hour, minute, second, Number(fraction.padEnd(3, "0")));
}

function splitLine(line, separator) {
  if (!line.includes('"')) return line.split(separator);
  const cells = [""];
  let isQuoted = false;
  for (const sign of line) {
    if (sign === '"') isQuoted = !isQuoted;
    else if (sign === separator && !isQuoted) cells.push("");
    else cells[cells.length - 1] += sign;
  }
  return cells;
}

function parseNumber(text, hasDecimalComma) {
  const plain = text.trim();
  return plain === "" ? Number.NaN : Number(hasDecimalComma ? plain.replace(",", ".") : plain);
}

// Returns { names, times, step, columns }: times in epoch milliseconds, a Float64Array for each column, NaN where a
// cell is empty.
export function readTable(text) {
  const lines = text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => line.trim());
  if (lines.length < 3) throw new Error("The file needs a header and at least two rows.");
  const separator = [",", ";", "\t"].reduce((a, b) => (lines[0].split(b).length > lines[0].split(a).length ? b : a));
  const header = splitLine(lines[0], separator).map((name) => name.trim());
  const rows = lines.slice(1).map((line) => splitLine(line, separator));
  const at = header.findIndex((_, column) => Number.isFinite(parseTime(rows[0][column] ?? "")));
  if (at < 0) throw new Error("No column of times found: write them as 2015-01-26 12:00.");
  const times = rows.map((row) => parseTime(row[at] ?? ""));
  const step = times[1] - times[0];
  const wrong = times.findIndex((time, i) => !Number.isFinite(time) || (i > 0 && time - times[i - 1] !== step));
  if (wrong >= 0 || step <= 0) throw new Error(`Row ${wrong + 2}: times must be in order, at equal steps.`);
  const numbered = header.map((name, column) => ({ name, column })).filter(({ column }) => column !== at);
  const columns = numbered.map(({ name, column }) =>
    Float64Array.from(rows, (row, i) => {
      const value = parseNumber(row[column] ?? "", separator === ";");
      if (Number.isNaN(value) && (row[column] ?? "").trim()) return failAt(i + 2, name, row[column]);
      return value;
    }),
  );
  return { names: numbered.map(({ name }) => name), times, step, columns };
}

function failAt(row, name, cell) {
  throw new Error(`Row ${row}, column '${name}': '${cell.slice(0, 20)}' is not a number.`);
}
