// The list of alarms and the list of manual labels.

import { clamp } from "./axes.js";
import { KIND_SYMBOLS } from "./canvas.js";
import { createElement, query, setText } from "./dom.js";
import { formatShort, formatTime, pluralize } from "./format.js";
import { schedule, updateLabels } from "./state.js";

const MAX_ROWS = 40;

// Lists the bursts of alarms by score; a button selects one.
export function updateAlarmList(s) {
  if (!s.hasTime) return;
  const box = query(s, ".dlt-alarms .dlt-rows");
  const shown = [...s.bursts].sort((a, b) => s.scores[b.peak] - s.scores[a.peak]).slice(0, MAX_ROWS);
  const summary =
    s.bursts.length > shown.length
      ? `Top ${shown.length} of ${pluralize(s.bursts.length, "alarm")}`
      : `${pluralize(s.bursts.length, "alarm")}, highest score first`;
  const invitation = s.data.can_explain === false ? "" : ": select one to explain it"; // a report has no model
  setText(
    query(s, ".dlt-alarms .dlt-name"),
    s.bursts.length ? `${summary}${invitation}` : "No alarm at this threshold",
  );
  const signature = JSON.stringify([shown.map((item) => [item.start, item.stop, item.kind]), s.selectedAlarm]);
  if (box.dataset.now === signature) return;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.peak : "";
  box.dataset.now = signature;
  box.replaceChildren(
    ...shown.map((burst) => {
      const button = createElement("button", {
        type: "button",
        class: "dlt-row",
        "data-peak": burst.peak,
        "aria-pressed": String(burst.peak === s.selectedAlarm),
      });
      const window = s.windows.find(
        (item) =>
          burst.start < item.stop && burst.stop > item.start && (burst.kind !== "correct" || item.kind !== "plausible"),
      );
      const kind = {
        correct: window?.name ?? "labeled",
        false: "false alarm",
        plausible: `${window?.name ?? "holiday"} (no label)`,
        unlabeled: "alarm",
        excluded: `${partName(s, burst.peak)}, not evaluated`,
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

const partName = (s, place) => s.data.parts.find((part) => place >= part.start && place < part.stop)?.name ?? "other";

export function selectAlarm(s, peak) {
  s.selectedAlarm = peak;
  schedule(s);
  updateAlarmList(s);
  s.report("alarm", peak);
}

export function updateLabelList(s) {
  if (!s.hasTime) return;
  query(s, ".dlt-marks .dlt-rows").replaceChildren(
    ...s.manualLabels.map((item, i) => {
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
  s.manualLabels = [
    ...s.manualLabels,
    { start: s.timeOf(Math.floor(a)), end: s.timeOf(Math.max(Math.floor(a), Math.floor(b))) },
  ].sort((p, q) => p.start - q.start);
  reportLabels(s);
}

export function removeLabel(s, number) {
  s.manualLabels = s.manualLabels.filter((_, i) => i !== number);
  reportLabels(s);
  query(s, ".dlt-from").focus();
}

function reportLabels(s) {
  updateLabels(s);
  s.report(
    "labels",
    s.manualLabels.map((item) => [item.start, item.end]),
  );
}
