// Metrics at the threshold, on screen and for screen readers.

import { HOUR } from "./axes.js";
import { query, setText } from "./dom.js";
import { formatCount, formatPercent, formatPlain, formatShort, pluralize } from "./format.js";
import { updateAlarmList } from "./lists.js";
import { indexAt } from "./sweep.js";

const MONTH_DAYS = 30.44;

export function computeMetrics(s) {
  const { counts, events, data } = s;
  const weeks = s.days / 7;
  const months = s.days / MONTH_DAYS;
  if (!counts)
    return s.isLabeled
      ? labeledMetrics(s).map((id) => [id, TITLES[id]])
      : unlabeledMetrics(s).map((id) => [id, TITLES[id]]);
  const alarms = counts.tp + counts.fp;
  const hasNoAlarms = alarms === 0;
  const values = {
    events: events && [
      `${events.caught} of ${events.total}`,
      events.total - events.caught ? `${events.total - events.caught} missed` : "all caught",
    ],
    false: events && [
      formatCount(events.bursts),
      `${formatShort(events.bursts / months, 2)} per month` +
        (events.plausible ? `, ${events.plausible} on holidays` : ""),
    ],
    delay: events && [
      Number.isFinite(events.delay) ? `${((events.delay * data.step_ms) / HOUR).toFixed(1)} h` : "–",
      "from window start",
    ],
    precision: [
      hasNoAlarms ? "–" : formatPercent(counts.precision),
      `${formatCount(counts.tp)} / ${formatCount(alarms)} ${s.hasTime ? "alarm points" : data.wording.calls}`,
    ],
    recall: [formatPercent(counts.recall), `${formatCount(counts.tp)} of ${formatCount(s.table.positives)}`],
    f1: [counts.tp ? formatPercent(counts.f1) : "–", "harmonic mean"],
    accuracy: [formatPercent(counts.accuracy), `${formatCount(counts.tp + counts.tn)} correct`],
    cost: s.isLabeled && [
      formatCount(s.costs[indexAt(s.sweep, s.table, s.t)]),
      s.hasTime
        ? `${events.total - events.caught} × ${formatShort(s.ratio)} + ${formatCount(events.bursts)}`
        : `${formatCount(counts.fn)} × ${formatShort(s.ratio)} + ${formatCount(counts.fp)}`,
    ],
    weekly: events && [formatShort(events.bursts / weeks, 2), "mean rate"],
    bursts: events && [formatCount(events.bursts), "merged within a day"],
    points: [
      formatCount(alarms),
      `${formatPercent(alarms / Math.max(1, s.table.all.length))} of ${pluralize(s.table.all.length, "point")}`,
    ],
  };
  return (s.isLabeled ? labeledMetrics(s) : unlabeledMetrics(s)).map((id) => [id, TITLES[id], ...values[id]]);
}

const TITLES = {
  events: "Events caught",
  false: "False alarms",
  delay: "Delay",
  precision: "Precision",
  recall: "Recall",
  f1: "F1",
  accuracy: "Accuracy",
  cost: "Cost",
  weekly: "Alarms per week",
  bursts: "Alarms",
  points: "Points above threshold",
};

const labeledMetrics = (s) =>
  s.hasTime
    ? ["events", "false", "delay", "precision", "recall", "f1", "cost"]
    : ["accuracy", "precision", "recall", "f1", "cost"];

const unlabeledMetrics = (s) => (s.hasTime ? ["weekly", "bursts", "points"] : ["points"]);

// Updates every number that depends on the threshold.
export function updateMetrics(s) {
  const cells = query(s, ".dlt-metrics").children;
  computeMetrics(s).forEach(([, , value, note], i) => {
    setText(cells[i].children[1], value);
    setText(cells[i].children[2], note);
  });
  const input = query(s, ".dlt-value");
  const slider = query(s, ".dlt-handle");
  const text = formatPlain(s.t);
  if (document.activeElement !== input || !s.isTyping) input.value = text;
  slider.setAttribute("aria-valuemin", formatPlain(s.axis.low));
  slider.setAttribute("aria-valuemax", formatPlain(s.axis.high));
  slider.setAttribute("aria-valuenow", String(s.t));
  slider.setAttribute("aria-valuetext", text);
  setText(slider.querySelector("b"), formatShort(s.t));
  setText(query(s, ".dlt-steady"), describeStableRange(s));
  for (const chip of query(s, ".dlt-references").querySelectorAll("button")) {
    const isCurrent = String(s.references.find((cell) => cell.id === chip.dataset.id)?.value === s.t);
    if (chip.getAttribute("aria-pressed") !== isCurrent) chip.setAttribute("aria-pressed", isCurrent);
  }
  if (s.isLabeled)
    for (const cell of ["tp", "fp", "fn", "tn"])
      setText(query(s, `.dlt-four .dlt-n-${cell} b`), formatCount(s.counts[cell]));
  clearTimeout(s.updateTimer);
  s.updateTimer = setTimeout(() => {
    updateAlarmList(s);
    setText(query(s, ".dlt-live"), describeForScreenReader(s));
  }, 350);
}

function describeStableRange(s) {
  const { low, high } = s.stableRange;
  const relativeChange = (to) => {
    const percent = Math.abs(100 * (to / s.t - 1));
    return `${to > s.t ? "+" : "−"}${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  };
  const [down, up] = [Number.isFinite(low), Number.isFinite(high)];
  const hasRelative = s.hasTime && s.t > 0 && s.axis.low >= 0;
  const subject = s.isLabeled && s.hasTime ? "Same events and alarms" : "Same counts";
  if (!down && !up) return `${subject} everywhere.`;
  let digits = 3;
  while (digits < 8 && down && up && formatShort(low, digits) === formatShort(high, digits)) digits++;
  if (!up) return `${subject} from ${formatShort(low)} upwards.`;
  if (!down) return `${subject} up to ${formatShort(high)}.`;
  const relative = hasRelative ? ` (${relativeChange(low)} to ${relativeChange(high)})` : "";
  return `${subject} from ${formatShort(low, digits)} to ${formatShort(high, digits)}${relative}.`;
}

function describeForScreenReader(s) {
  return `Threshold ${formatPlain(s.t)}. ${computeMetrics(s)
    .map(([, name, value]) => `${name} ${value}`)
    .join(", ")}. ${["tp", "fp", "fn", "tn"].map((cell) => `${cell.toUpperCase()} ${s.counts[cell]}`).join(", ")}.`;
}
