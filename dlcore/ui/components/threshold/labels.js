// Titles, legend and accessible names.

import { KIND_SYMBOLS } from "./canvas.js";
import { createElement, query, setText } from "./dom.js";
import { capitalize, pluralize } from "./format.js";
import { updateLabelList } from "./lists.js";
import { updateReferenceButtons } from "./markers.js";
import { computeMetrics } from "./metrics.js";

// Everything that is made once: titles, controls, the handle's place.
export function initializeControls(s) {
  const { root, data } = s;
  const titles = [...root.querySelectorAll(".dlt-times .dlt-title > p")];
  root.classList.toggle("dlt-timeless", !s.hasTime);
  root.classList.toggle("dlt-valueless", !s.values);
  setText(titles[0], s.values ? capitalize(data.value) : "");
  setText(titles[1], `${capitalize(data.score)} over time${s.axis.log ? " (logarithmic)" : ""}: drag the line`);
  setText(root.querySelector(".dlt-cell-histogram p"), "");
  const scope = root.querySelector(".dlt-scope select");
  scope.replaceChildren(...data.scopes.map((entry, i) => createElement("option", { value: i }, entry.name)));
  scope.value = String(data.scope);
  root.querySelector(".dlt-scope").hidden = data.scopes.length < 2;
  const [before, after] = root.querySelectorAll(".dlt-price > span");
  setText(before, `A missed ${data.words.positive} costs as much as`);
  setText(after, s.hasTime ? "false alarms" : `false ${data.words.calls}`);
  root.querySelector(".dlt-price input").value = s.ratio;
  const box = s.views.histogram.box;
  if (!box.querySelector(".dlt-corner"))
    for (const name of ["tn", "fp", "fn", "tp"]) box.append(createElement("span", { class: `dlt-corner dlt-${name}` }));
  (s.hasTime ? s.views.score : s.views.histogram).box.append(root.querySelector(".dlt-handle"));
  root.querySelector(".dlt-handle").setAttribute("aria-orientation", s.hasTime ? "vertical" : "horizontal");
}

// What is there depends on the labels: called whenever they change.
export function updateTitles(s) {
  const { root, data } = s;
  root.classList.toggle("dlt-unlabelled", !s.labelled);
  root.querySelector(".dlt-figures").replaceChildren(
    ...computeMetrics(s).map(([id, name]) => {
      const cell = createElement("div", { class: `dlt-figure dlt-is-${id}` });
      cell.append(
        createElement("dt", {}, name),
        createElement("dd", { class: "dlt-number" }),
        createElement("dd", { class: "dlt-beside" }),
      );
      return cell;
    }),
  );
  const chosen = s.scope.name;
  setText(
    root.querySelector(".dlt-cell-histogram p"),
    s.labelled ? `Up: ${data.words.negatives}. Down: ${data.words.positives}` : `How often each ${data.score} comes`,
  );
  s.views.histogram.box.setAttribute("aria-label", `Histogram of the ${data.score} on ${chosen}`);
  setText(root.querySelector(".dlt-cell-cost p"), "Cost at each threshold");
  if (s.areas) {
    setText(root.querySelector(".dlt-cell-pr p"), `Precision against recall, area ${s.areas.precision.toFixed(3)}`);
    setText(root.querySelector(".dlt-cell-roc p"), `ROC, area ${s.areas.roc.toFixed(3)}`);
    s.views.pr.box.setAttribute(
      "aria-label",
      `Precision-recall curve on ${chosen}, area ${s.areas.precision.toFixed(3)}`,
    );
    s.views.roc.box.setAttribute("aria-label", `ROC curve on ${chosen}, area ${s.areas.roc.toFixed(3)}`);
    s.views.cost.box.setAttribute("aria-label", `Cost at each threshold on ${chosen}`);
  }
  if (s.hasTime)
    s.views.series.box.setAttribute(
      "aria-label",
      `${capitalize(data.value || data.score)} over time with ${pluralize(s.windows.length, "marked window")}: ${s.windows.map((entry) => entry.name).join(", ")}`,
    );
  updateLegend(s);
  updateReferenceButtons(s);
  updateLabelList(s);
}

// The key to shapes and shadings: only what there is.
function updateLegend(s) {
  const kinds = s.labelled
    ? [
        ["right", "alarm in a labelled window"],
        ["false", "false alarm"],
      ]
    : [["plain", "alarm"]];
  if (s.windows.some((entry) => entry.kind === "plausible"))
    kinds.push(["plausible", "alarm on a known holiday without a label (hatched): counted as false, and apart"]);
  if (s.scope.start > 0 || s.scope.stop < s.size) kinds.push(["aside", "alarm in a part that is not counted"]);
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
    createElement("span", {}, "Drag over a view to zoom, wheel after a click, double click for everything."),
  );
}
