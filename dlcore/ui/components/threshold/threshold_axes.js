
// Scales, ticks, number words and sharp canvases for the threshold's views.

const HOUR = 3_600_000, DAY = 24 * HOUR;
const STEPS = [HOUR / 2, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
const GREEN = "#009E73", RED = "#D55E00", PURPLE = "#CC79A7", SKY = "#56B4E9"; // of ORDER, in drawing.js
const GREY = "#8A8F98"; // as in dlcore/plots/palette.py
const KINDS = { right: GREEN, false: RED, plausible: PURPLE, plain: RED, aside: GREY };
const SIGNS = { right: "●", false: "✕", plausible: "◆", plain: "▼", aside: "△" };

function scaleOf(log, low, high, from, to) {
  const f = log ? Math.log : (x) => x, g = log ? Math.exp : (x) => x, a = f(low), b = f(high), slope = (to - from) / (b - a || 1);
  return { log, low, high, from, to, at: (x) => ((log && !(x > 0)) || !Number.isFinite(x) ? from : from + (f(x) - a) * slope), back: (px) => g(a + (px - from) / slope) };
}

function ticksOf(scale, most) {
  if (scale.log && scale.high / scale.low > 8) {
    const low = Math.ceil(Math.log10(scale.low)), high = Math.floor(Math.log10(scale.high)), every = Math.max(1, Math.ceil((high - low + 1) / Math.max(1, most)));
    const found = [];
    for (let power = low; power <= high; power += every) found.push(10 ** power);
    if (found.length < 2) for (let power = low - 1; power <= high; power++) found.push(2 * 10 ** power, 5 * 10 ** power);
    const inside = found.filter((x) => x >= scale.low && x <= scale.high).sort((a, b) => a - b);
    return inside.filter((_, i) => i % Math.ceil(inside.length / most) === 0);
  }
  const rough = (scale.high - scale.low) / Math.max(1, most), power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((x) => x * power).find((x) => x >= rough * 0.999), found = [];
  for (let x = Math.ceil(scale.low / step) * step; x <= scale.high + step * 1e-9; x += step) found.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return found;
}

function short(number, digits = 3) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (size >= 10_000) return Math.round(number).toLocaleString("en");
  if (size > 0 && size < 1e-4) return number.toExponential(Math.max(0, digits - 2)).replace("e-", "e−");
  return String(Number(number.toPrecision(digits)));
}

const round = (number) => Math.round(number).toLocaleString("en");
const percent = (share) => (share === 1 ? "100 %" : `${(100 * share).toFixed(1)} %`);
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

// A number on an axis: 20k, 0.05, 10⁻⁵.
function tickText(x) {
  if (Math.abs(x) >= 10_000) return `${Number((x / 1000).toPrecision(3))}k`;
  const [digits, power] = x.toExponential().split("e");
  return x && Math.abs(x) < 1e-3 ? `${digits === "1" ? "" : `${short(Number(digits), 2)}·`}10${[...power].map((one) => RAISED[one]).join("")}` : short(x, 2);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const two = (number) => String(number).padStart(2, "0");

function moment(ms, withYear = true) {
  const at = new Date(ms);
  return `${WEEKDAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${withYear ? ` ${at.getUTCFullYear()}` : ""}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

// [milliseconds, text] of at most `most` ticks between two moments.
function timeTicks(from, to, most) {
  const span = to - from, step = STEPS.find((one) => span / one <= most);
  if (step && step < DAY) {
    const found = [];
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const day = new Date(at);
      found.push([at, at % DAY === 0 ? `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}` : `${two(day.getUTCHours())}:${two(day.getUTCMinutes())}`]);
    }
    return found;
  }
  if (step) {
    const found = [], monday = 4 * DAY, start = step % (7 * DAY) ? 0 : monday;
    for (let at = Math.ceil((from - start) / step) * step + start; at <= to; at += step) {
      const day = new Date(at);
      found.push([at, `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]}`]);
    }
    return found;
  }
  const months = [1, 3, 6, 12, 24, 60, 120].find((one) => span / (one * 30.4 * DAY) <= most) ?? 240, found = [], day = new Date(from);
  for (let month = 0; ; month += months) {
    const at = Date.UTC(day.getUTCFullYear(), months >= 12 ? month : Math.floor(day.getUTCMonth() / months) * months + month, 1);
    if (at > to) return found;
    const date = new Date(at);
    if (at >= from) found.push([at, months >= 12 ? `${date.getUTCFullYear()}` : date.getUTCMonth() ? MONTHS[date.getUTCMonth()] : `${date.getUTCFullYear()}`]);
  }
}

// Two canvases on top of each other: what stays, and what moves with the threshold.
function layersOf(box) {
  const [still, moving] = box.querySelectorAll("canvas");
  return { box, still, moving, width: 0, height: 0 };
}

function fit(layers) {
  const width = layers.box.clientWidth, height = layers.box.clientHeight, sharp = Math.min(2, window.devicePixelRatio || 1);
  for (const canvas of [layers.still, layers.moving]) {
    if (canvas.width === Math.round(width * sharp) && canvas.height === Math.round(height * sharp)) continue;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
  }
  Object.assign(layers, { width, height, sharp });
}

function pen(layers, name) {
  const context = layers[name].getContext("2d");
  context.setTransform(layers.sharp, 0, 0, layers.sharp, 0, 0);
  context.clearRect(0, 0, layers.width, layers.height);
  return context;
}

function write(context, text, x, y, { colour, font, align = "left", size = 11, weight = 400, base = "middle", halo = "" }) {
  context.font = `${weight} ${size}px ${font}`;
  context.textAlign = align;
  context.textBaseline = base;
  if (halo) {
    context.strokeStyle = halo;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeText(text, x, y);
  }
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

function line(context, points, { colour, width = 1, dash = [] }) {
  context.beginPath();
  for (let i = 0; i < points.length; i++) context[i ? "lineTo" : "moveTo"](points[i][0], points[i][1]);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

// The mark of an alarm: its shape tells what its colour tells.
function mark(context, kind, x, y, size) {
  context.beginPath();
  if (kind === "right") context.arc(x, y, size, 0, 7);
  else if (kind === "plausible") { context.moveTo(x, y - size * 1.3); context.lineTo(x + size * 1.3, y); context.lineTo(x, y + size * 1.3); context.lineTo(x - size * 1.3, y); context.closePath(); }
  else if (kind === "aside") { context.moveTo(x, y - size); context.lineTo(x + size, y + size * 0.8); context.lineTo(x - size, y + size * 0.8); context.closePath(); }
  else if (kind === "plain") { context.moveTo(x - size, y - size); context.lineTo(x + size, y - size); context.lineTo(x, y + size); context.closePath(); }
  else { context.moveTo(x - size, y - size); context.lineTo(x + size, y + size); context.moveTo(x + size, y - size); context.lineTo(x - size, y + size); }
  if (kind === "false" || kind === "aside") { context.lineWidth = kind === "aside" ? 1.4 : 2; context.strokeStyle = KINDS[kind]; context.stroke(); }
  else { context.fillStyle = KINDS[kind]; context.fill(); }
}

const known = new Map(), probe = document.createElement("canvas").getContext("2d");

// A colour with some of its strength taken away, in the form that every canvas takes.
function faint(colour, share) {
  if (!known.has(colour)) {
    probe.fillStyle = colour;
    const hex = probe.fillStyle;
    known.set(colour, hex.startsWith("#") ? [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) : hex.match(/[\d.]+/g).slice(0, 3));
  }
  return `rgba(${known.get(colour).join(",")},${share})`;
}
