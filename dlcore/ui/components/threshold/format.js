// Numbers and times as text.

export function formatShort(number, digits = 3) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 10_000) return Math.round(number).toLocaleString("en");
  if (size > 0 && size < 1e-4) return number.toExponential(Math.max(0, digits - 2)).replace("e-", "e−");
  return String(Number(number.toPrecision(digits)));
}

export const formatCount = (number) => Math.round(number).toLocaleString("en");

export const formatPercent = (share) => (share === 1 ? "100 %" : `${(100 * share).toFixed(1)} %`);

export const capitalize = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const SUPERSCRIPTS = Object.fromEntries([..."-0123456789"].map((digit, i) => [digit, "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"[i]]));

// Formats an axis tick: 20k, 0.05, 10⁻⁵.
export function formatTick(x) {
  if (Math.abs(x) >= 10_000) return `${Number((x / 1000).toPrecision(3))}k`;
  if (!x || Math.abs(x) >= 1e-3) return formatShort(x, 2);
  const [digits, power] = x.toExponential().split("e");
  const factor = digits === "1" ? "" : `${formatShort(Number(digits), 2)}·`;
  return `${factor}10${[...power].map((character) => SUPERSCRIPTS[character]).join("")}`;
}

export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

export const twoDigits = (number) => String(number).padStart(2, "0");

export function formatTime(ms, withYear = true) {
  const at = new Date(ms);
  const day = `${WEEKDAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}`;
  const year = withYear ? ` ${at.getUTCFullYear()}` : "";
  return `${day}${year}, ${twoDigits(at.getUTCHours())}:${twoDigits(at.getUTCMinutes())}`;
}

export const pluralize = (count, singular, pluralForm = `${singular}s`) =>
  `${formatCount(count)} ${count === 1 ? singular : pluralForm}`;

export const formatPlain = (number) => String(Number(number.toPrecision(5)));
