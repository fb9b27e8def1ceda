// The list of alarms and the list of manual labels.

import { clamp } from "./axes.js";
import { KIND_SYMBOLS } from "./canvas.js";
import { createElement, query, setText } from "./dom.js";
import { formatShort, formatTime, pluralize } from "./format.js";
import { schedule, updateLabels } from "./state.js";

const MAX_ROWS = 40;

// The bursts of alarms, the highest first, each a button that opens it.
export function updateAlarmList(s) {
  if (!s.hasTime) return;
  const box = query(s, ".dlt-alarms .dlt-rows");
  const shown = [...s.bursts].sort((a, b) => s.scores[b.peak] - s.scores[a.peak]).slice(0, MAX_ROWS);
  const summary =
    s.bursts.length > shown.length
      ? `The ${shown.length} strongest of ${pluralize(s.bursts.length, "alarm")}`
      : `${pluralize(s.bursts.length, "alarm")}, the strongest first`;
  setText(
    query(s, ".dlt-alarms .dlt-name"),
    s.bursts.length ? `${summary}: choose one to see why` : "No alarm at this threshold",
  );
  const signature = JSON.stringify([shown.map((item) => [item.start, item.stop, item.kind]), s.chosen]);
  if (box.dataset.now === signature) return;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.peak : "";
  box.dataset.now = signature;
  box.replaceChildren(
    ...shown.map((burst) => {
      const button = createElement("button", {
        type: "button",
        class: "dlt-row",
        "data-peak": burst.peak,
        "aria-pressed": String(burst.peak === s.chosen),
      });
      const window = s.windows.find(
        (item) =>
          burst.start < item.stop && burst.stop > item.start && (burst.kind !== "right" || item.kind !== "plausible"),
      );
      const kind = {
        right: window?.name ?? "labelled",
        false: "false alarm",
        plausible: `${window?.name ?? "holiday"} (no label)`,
        plain: "alarm",
        aside: `${partName(s, burst.peak)}, not counted`,
      }[burst.kind];
      button.append(
        createElement("b", { class: `dlt-sign-${burst.kind}`, "aria-hidden": "true" }, KIND_SYMBOLS[burst.kind]),
        createElement("span", {}, formatTime(s.timeOf(burst.peak))),
        createElement("span", {}, kind),
        createElement("i", {}, formatShort(s.scores[burst.peak])),
      );
      button.onclick = () => selectAlarm(s, burst.peak);
      return button;
    }),
  );
  if (focused) {
    box.querySelector(`[data-peak="${focused}"]`)?.focus();
    return;
  }
  const chosen = box.querySelector('[aria-pressed="true"]');
  if (chosen) box.scrollTop = chosen.offsetTop - box.offsetTop - box.clientHeight / 2;
}

const partName = (s, place) =>
  s.data.parts.find((part) => place >= part.start && place < part.stop)?.name ?? "elsewhere";

export function selectAlarm(s, peak) {
  s.chosen = peak;
  schedule(s);
  updateAlarmList(s);
  s.report("alarm", peak);
}

export function updateLabelList(s) {
  if (!s.hasTime) return;
  query(s, ".dlt-marks .dlt-rows").replaceChildren(
    ...s.yours.map((item, i) => {
      const button = createElement("button", {
        type: "button",
        class: "dlt-row",
        "aria-label": `Remove the label from ${formatTime(item.start)} to ${formatTime(item.end)}`,
      });
      button.append(
        createElement("b", { "aria-hidden": "true" }, "×"),
        createElement("span", {}, `${formatTime(item.start)} to ${formatTime(item.end)}`),
        createElement("span", {}, "remove"),
      );
      button.onclick = () => removeLabel(s, i);
      return button;
    }),
  );
}

export function addLabel(s, from, to) {
  const [a, b] = [from, to].sort((p, q) => p - q).map((place) => clamp(place, 0, s.size - 1));
  s.yours = [
    ...s.yours,
    { start: s.timeOf(Math.floor(a)), end: s.timeOf(Math.max(Math.floor(a), Math.floor(b))) },
  ].sort((p, q) => p.start - q.start);
  reportLabels(s);
}

export function removeLabel(s, number) {
  s.yours = s.yours.filter((_, i) => i !== number);
  reportLabels(s);
  query(s, ".dlt-from").focus();
}

function reportLabels(s) {
  updateLabels(s);
  s.report(
    "marked",
    s.yours.map((item) => [item.start, item.end]),
  );
}
