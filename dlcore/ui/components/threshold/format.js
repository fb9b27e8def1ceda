// Numbers and times as text.

export function short(number, digits = 3) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 10_000) return Math.round(number).toLocaleString("en");
  if (size > 0 && size < 1e-4) return number.toExponential(Math.max(0, digits - 2)).replace("e-", "e−");
  return String(Number(number.toPrecision(digits)));
}

export const round = (number) => Math.round(number).toLocaleString("en");

export const percent = (share) => (share === 1 ? "100 %" : `${(100 * share).toFixed(1)} %`);

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// A number on an axis: 20k, 0.05, 10⁻⁵.
export function tickText(x) {
  if (Math.abs(x) >= 10_000) return `${Number((x / 1000).toPrecision(3))}k`;
  const [digits, power] = x.toExponential().split("e");
  return x && Math.abs(x) < 1e-3
    ? `${digits === "1" ? "" : `${short(Number(digits), 2)}·`}10${[...power].map((one) => RAISED[one]).join("")}`
    : short(x, 2);
}

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

export const two = (number) => String(number).padStart(2, "0");

export function moment(ms, withYear = true) {
  const at = new Date(ms);
  return `${WEEKDAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${withYear ? ` ${at.getUTCFullYear()}` : ""}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

export const plural = (count, one, many = `${one}s`) => `${round(count)} ${count === 1 ? one : many}`;

export const plain = (number) => String(Number(number.toPrecision(5)));
