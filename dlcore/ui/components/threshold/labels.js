// Titles, legend and accessible names.

import { KIND_SYMBOLS } from "./canvas.js";
import { createElement, query, setText } from "./dom.js";
import { capitalize, pluralize } from "./format.js";
import { updateLabelList } from "./lists.js";
import { updateReferenceButtons } from "./markers.js";
import { computeMetrics } from "./metrics.js";

// Sets titles and controls that depend on the data alone.
export function initializeControls(s) {
  const { root, data } = s;
  const titles = [...root.querySelectorAll(".dlt-times .dlt-title > p")];
  root.classList.toggle("dlt-timeless", !s.hasTime);
  root.classList.toggle("dlt-valueless", !s.values);
  setText(titles[1], s.values ? capitalize(data.value_name) : "");
  setText(titles[0], `${capitalize(data.score_name)} over time${s.axis.log ? " (log scale)" : ""}: drag the line`);
  setText(root.querySelector(".dlt-cell-histogram p"), "");
  const scope = root.querySelector(".dlt-scope select");
  scope.replaceChildren(...data.scopes.map((entry, i) => createElement("option", { value: i }, entry.name)));
  scope.value = String(data.scope);
  root.querySelector(".dlt-scope").hidden = data.scopes.length < 2;
  const [before, after] = root.querySelectorAll(".dlt-price > span");
  setText(before, `Cost of a missed ${data.wording.positive} in`);
  setText(after, s.hasTime ? "false alarms" : `false ${data.wording.calls}`);
  root.querySelector(".dlt-price input").value = s.ratio;
  const box = s.views.histogram.box;
  if (!box.querySelector(".dlt-corner"))
    for (const name of ["tn", "fp", "fn", "tp"]) box.append(createElement("span", { class: `dlt-corner dlt-${name}` }));
  (s.hasTime ? s.views.score : s.views.histogram).box.append(root.querySelector(".dlt-handle"));
  root.querySelector(".dlt-handle").setAttribute("aria-orientation", s.hasTime ? "vertical" : "horizontal");
}

// Updates what depends on the labels.
export function updateTitles(s) {
  const { root, data } = s;
  root.classList.toggle("dlt-unlabeled", !s.isLabeled);
  root.querySelector(".dlt-metrics").replaceChildren(
    ...computeMetrics(s).map(([id, name]) => {
      const cell = createElement("div", { class: `dlt-metric dlt-is-${id}` });
      cell.append(
        createElement("dt", {}, name),
        createElement("dd", { class: "dlt-number" }),
        createElement("dd", { class: "dlt-detail" }),
      );
      return cell;
    }),
  );
  const scope = s.scope.name;
  setText(
    root.querySelector(".dlt-cell-histogram p"),
    s.isLabeled
      ? `Up: ${data.wording.negatives}. Down: ${data.wording.positives}`
      : `Histogram of the ${data.score_name}`,
  );
  s.views.histogram.box.setAttribute("aria-label", `Histogram of the ${data.score_name} on ${scope}`);
  setText(root.querySelector(".dlt-cell-cost p"), "Cost at each threshold");
  if (s.areas) {
    setText(root.querySelector(".dlt-cell-pr p"), `Precision-recall, area ${s.areas.precision.toFixed(3)}`);
    setText(root.querySelector(".dlt-cell-roc p"), `ROC, area ${s.areas.roc.toFixed(3)}`);
    s.views.pr.box.setAttribute(
      "aria-label",
      `Precision-recall curve on ${scope}, area ${s.areas.precision.toFixed(3)}`,
    );
    s.views.roc.box.setAttribute("aria-label", `ROC curve on ${scope}, area ${s.areas.roc.toFixed(3)}`);
    s.views.cost.box.setAttribute("aria-label", `Cost at each threshold on ${scope}`);
  }
  if (s.hasTime) {
    const title = `${capitalize(data.value_name || data.score_name)} over time`;
    const names = s.windows.map((entry) => entry.name).join(", ");
    s.views.series.box.setAttribute("aria-label", `${title}, ${pluralize(s.windows.length, "window")}: ${names}`);
  }
  updateLegend(s);
  updateReferenceButtons(s);
  updateLabelList(s);
}

// Lists the marker shapes that can occur.
function updateLegend(s) {
  const kinds = s.isLabeled
    ? [
        ["correct", "alarm in a labeled window"],
        ["false", "false alarm"],
      ]
    : [["unlabeled", "alarm"]];
  if (s.windows.some((entry) => entry.kind === "plausible"))
    kinds.push(["plausible", "alarm on a known holiday without a label (hatched): counted as false alarm"]);
  if (s.scope.start > 0 || s.scope.stop < s.size) kinds.push(["excluded", "alarm outside the evaluated range"]);
  const items = kinds.map(([kind, text]) => {
    const item = createElement("span");
    item.append(
      createElement("b", { class: `dlt-sign-${kind}`, "aria-hidden": "true" }, KIND_SYMBOLS[kind]),
      ` ${text}`,
    );
    return item;
  });
  query(s, ".dlt-key").replaceChildren(
    ...items,
    createElement("span", {}, "Drag to zoom, click then wheel to zoom, double-click to reset."),
  );
}
