// Metrics at the threshold, on screen and for screen readers.

import { HOUR } from "./axes.js";
import { find, put } from "./dom.js";
import { percent, plain, plural, round, short } from "./format.js";
import { alarmRows } from "./lists.js";
import { placeOf } from "./sweep.js";

const MONTH_DAYS = 30.44;

export function figuresOf(s) {
  const { counts, events, data } = s;
  const weeks = s.days / 7;
  const months = s.days / MONTH_DAYS;
  if (!counts)
    return s.labelled ? LABELLED(s).map((id) => [id, NAMES[id]]) : UNLABELLED(s).map((id) => [id, NAMES[id]]);
  const alarms = counts.tp + counts.fp;
  const none = alarms === 0;
  const values = {
    events: events && [
      `${events.caught} of ${events.total}`,
      events.total - events.caught ? `${events.total - events.caught} missed` : "all caught",
    ],
    false: events && [
      round(events.bursts),
      `${short(events.bursts / months, 2)} a month${events.plausible ? `, ${events.plausible} on a holiday` : ""}`,
    ],
    delay: events && [
      Number.isFinite(events.delay) ? `${((events.delay * data.step_ms) / HOUR).toFixed(1)} h` : "–",
      "mean, to first alarm",
    ],
    precision: [none ? "–" : percent(counts.precision), `${round(counts.tp)} of ${round(alarms)} ${data.words.calls}`],
    recall: [percent(counts.recall), `${round(counts.tp)} of ${round(s.table.positives)} found`],
    f1: [counts.tp ? percent(counts.f1) : "–", "of the two"],
    accuracy: [percent(counts.accuracy), `${round(counts.tp + counts.tn)} right`],
    cost: s.labelled && [
      round(s.costs[placeOf(s.sweep, s.table, s.t)]),
      s.hasTime
        ? `${events.total - events.caught} × ${short(s.ratio)} + ${round(events.bursts)}`
        : `${round(counts.fn)} × ${short(s.ratio)} + ${round(counts.fp)}`,
    ],
    weekly: events && [short(events.bursts / weeks, 2), "alarms a week"],
    bursts: events && [round(events.bursts), "less than a day apart are one"],
    points: [
      round(alarms),
      `${percent(alarms / Math.max(1, s.table.all.length))} of ${plural(s.table.all.length, "point")}`,
    ],
  };
  return (s.labelled ? LABELLED(s) : UNLABELLED(s)).map((id) => [id, NAMES[id], ...values[id]]);
}

const NAMES = {
  events: "Events caught",
  false: "False alarms",
  delay: "Delay",
  precision: "Precision",
  recall: "Recall",
  f1: "F1",
  accuracy: "Accuracy",
  cost: "Cost",
  weekly: "A week",
  bursts: "Alarms",
  points: "Points above",
};

const LABELLED = (s) =>
  s.hasTime
    ? ["events", "false", "delay", "precision", "recall", "f1", "cost"]
    : ["accuracy", "precision", "recall", "f1", "cost"];

const UNLABELLED = (s) => (s.hasTime ? ["weekly", "bursts", "points"] : ["points"]);

// Every number that moves with the threshold.
export function tell(s) {
  const cells = find(s, ".dlt-figures").children;
  figuresOf(s).forEach(([, , value, note], i) => {
    put(cells[i].children[1], value);
    put(cells[i].children[2], note);
  });
  const typed = find(s, ".dlt-typed");
  const slider = find(s, ".dlt-handle");
  const text = plain(s.t);
  if (document.activeElement !== typed || !s.typing) typed.value = text;
  slider.setAttribute("aria-valuemin", plain(s.axis.low));
  slider.setAttribute("aria-valuemax", plain(s.axis.high));
  slider.setAttribute("aria-valuenow", String(s.t));
  slider.setAttribute("aria-valuetext", text);
  put(slider.querySelector("b"), short(s.t));
  put(find(s, ".dlt-steady"), steadyWords(s));
  for (const chip of find(s, ".dlt-ghosts").querySelectorAll("button")) {
    const on = String(s.ghosts.find((one) => one.id === chip.dataset.id)?.value === s.t);
    if (chip.getAttribute("aria-pressed") !== on) chip.setAttribute("aria-pressed", on);
  }
  if (s.labelled)
    for (const one of ["tp", "fp", "fn", "tn"]) put(find(s, `.dlt-four .dlt-n-${one} b`), round(s.counts[one]));
  clearTimeout(s.later);
  s.later = setTimeout(() => {
    alarmRows(s);
    put(find(s, ".dlt-live"), spoken(s));
  }, 350);
}

function steadyWords(s) {
  const { low, high } = s.steady;
  const way = (to) => {
    const percent = Math.abs(100 * (to / s.t - 1));
    return `${to > s.t ? "+" : "−"}${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  };
  const [down, up] = [Number.isFinite(low), Number.isFinite(high)];
  const share = s.hasTime && s.t > 0 && s.axis.low >= 0;
  const what = s.labelled && s.hasTime ? "No event lost, no alarm gained" : "Nothing changes";
  if (!down && !up) return `${what} anywhere.`;
  let digits = 3;
  while (digits < 8 && down && up && short(low, digits) === short(high, digits)) digits++;
  if (!up) return `${what} from ${short(low)} upwards.`;
  if (!down) return `${what} up to ${short(high)}.`;
  return `${what} from ${short(low, digits)} to ${short(high, digits)}${share ? ` (${way(low)} to ${way(high)})` : ""}.`;
}

function spoken(s) {
  return `Threshold ${plain(s.t)}. ${figuresOf(s)
    .map(([, name, value]) => `${name} ${value}`)
    .join(", ")}. ${["tp", "fp", "fn", "tn"].map((one) => `${one.toUpperCase()} ${s.counts[one]}`).join(", ")}.`;
}
