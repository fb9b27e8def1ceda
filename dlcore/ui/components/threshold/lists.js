// The list of alarms and the list of manual labels.

import { clamp } from "./axes.js";
import { SIGNS } from "./canvas.js";
import { element, find, put } from "./dom.js";
import { moment, plural, short } from "./format.js";
import { relabel, schedule } from "./state.js";

const MOST_ROWS = 40;

// The bursts of alarms, the highest first, each a button that opens it.
export function alarmRows(s) {
  if (!s.hasTime) return;
  const box = find(s, ".dlt-alarms .dlt-rows");
  const shown = [...s.bursts].sort((a, b) => s.scores[b.peak] - s.scores[a.peak]).slice(0, MOST_ROWS);
  const said =
    s.bursts.length > shown.length
      ? `The ${shown.length} strongest of ${plural(s.bursts.length, "alarm")}`
      : `${plural(s.bursts.length, "alarm")}, the strongest first`;
  put(
    find(s, ".dlt-alarms .dlt-name"),
    s.bursts.length ? `${said}: choose one to see why` : "No alarm at this threshold",
  );
  const now = JSON.stringify([shown.map((one) => [one.start, one.stop, one.kind]), s.chosen]);
  if (box.dataset.now === now) return;
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.peak : "";
  box.dataset.now = now;
  box.replaceChildren(
    ...shown.map((burst) => {
      const button = element("button", {
        type: "button",
        class: "dlt-row",
        "data-peak": burst.peak,
        "aria-pressed": String(burst.peak === s.chosen),
      });
      const window = s.windows.find(
        (one) =>
          burst.start < one.stop && burst.stop > one.start && (burst.kind !== "right" || one.kind !== "plausible"),
      );
      const kind = {
        right: window?.name ?? "labelled",
        false: "false alarm",
        plausible: `${window?.name ?? "holiday"} (no label)`,
        plain: "alarm",
        aside: `${partAt(s, burst.peak)}, not counted`,
      }[burst.kind];
      button.append(
        element("b", { class: `dlt-sign-${burst.kind}`, "aria-hidden": "true" }, SIGNS[burst.kind]),
        element("span", {}, moment(s.timeOf(burst.peak))),
        element("span", {}, kind),
        element("i", {}, short(s.scores[burst.peak])),
      );
      button.onclick = () => choose(s, burst.peak);
      return button;
    }),
  );
  if (held) {
    box.querySelector(`[data-peak="${held}"]`)?.focus();
    return;
  }
  const chosen = box.querySelector('[aria-pressed="true"]');
  if (chosen) box.scrollTop = chosen.offsetTop - box.offsetTop - box.clientHeight / 2;
}

const partAt = (s, place) => s.data.parts.find((part) => place >= part.start && place < part.stop)?.name ?? "elsewhere";

export function choose(s, peak) {
  s.chosen = peak;
  schedule(s);
  alarmRows(s);
  s.report("alarm", peak);
}

export function markRows(s) {
  if (!s.hasTime) return;
  find(s, ".dlt-marks .dlt-rows").replaceChildren(
    ...s.yours.map((one, i) => {
      const button = element("button", {
        type: "button",
        class: "dlt-row",
        "aria-label": `Remove the label from ${moment(one.start)} to ${moment(one.end)}`,
      });
      button.append(
        element("b", { "aria-hidden": "true" }, "×"),
        element("span", {}, `${moment(one.start)} to ${moment(one.end)}`),
        element("span", {}, "remove"),
      );
      button.onclick = () => unmarked(s, i);
      return button;
    }),
  );
}

export function marked(s, from, to) {
  const [a, b] = [from, to].sort((p, q) => p - q).map((place) => clamp(place, 0, s.size - 1));
  s.yours = [
    ...s.yours,
    { start: s.timeOf(Math.floor(a)), end: s.timeOf(Math.max(Math.floor(a), Math.floor(b))) },
  ].sort((p, q) => p.start - q.start);
  reportMarks(s);
}

export function unmarked(s, number) {
  s.yours = s.yours.filter((_, i) => i !== number);
  reportMarks(s);
  find(s, ".dlt-from").focus();
}

function reportMarks(s) {
  relabel(s);
  s.report(
    "marked",
    s.yours.map((one) => [one.start, one.end]),
  );
}
