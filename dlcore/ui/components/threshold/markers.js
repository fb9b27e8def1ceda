// Buttons that jump to reference thresholds.

import { createElement, query } from "./dom.js";
import { capitalize, formatShort } from "./format.js";
import { invalidate, release, SCORE_VIEWS, setThreshold, TIME_VIEWS, updateReferences } from "./state.js";

// One button per reference threshold, grouped by whether the labels were used.
export function updateReferenceButtons(s) {
  const withoutLabels = s.references.filter((item) => !item.usesLabels);
  const withLabels = s.references.filter((item) => item.usesLabels);
  const box = query(s, ".dlt-references");
  const focused = document.activeElement?.closest?.(".dlt-references") === box ? document.activeElement.className : "";
  const createButton = (reference) => {
    const button = createElement("button", {
      type: "button",
      "data-id": reference.id,
      class: `dlt-chip dlt-chip-${reference.id}`,
      "aria-pressed": "false",
    });
    button.append(
      createElement("span", {}, capitalize(reference.name)),
      createElement("b", {}, formatShort(reference.value)),
    );
    button.onclick = () => {
      setThreshold(s, reference.value);
      release(s);
    };
    const parameter = {
      meanStd: ["k", "number of standard deviations", s.k],
      quantile: ["quantile", "quantile", s.quantile],
    }[reference.id];
    if (!parameter) return button;
    const input = createElement("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": `${reference.name}: ${parameter[1]}`,
      class: `dlt-parameter dlt-parameter-${parameter[0]}`,
      autocomplete: "off",
    });
    input.value = parameter[2];
    input.onchange = () => {
      const value = Number(input.value.replace(",", "."));
      const isValid =
        Number.isFinite(value) && input.value.trim() !== "" && (parameter[0] === "k" || (value >= 0 && value <= 1));
      if (!isValid) {
        input.value = s[parameter[0]];
        return;
      }
      s[parameter[0]] = value;
      updateReferences(s);
      updateReferenceButtons(s);
      setThreshold(s, s.references.find((item) => item.id === reference.id).value);
      release(s);
      invalidate(s, [...TIME_VIEWS, ...SCORE_VIEWS]);
    };
    const withInput = createElement("span", { class: "dlt-pair" });
    withInput.append(button, input);
    return withInput;
  };
  const group = (list, name) => {
    if (!list.length) return [];
    const section = createElement("div", { role: "group", "aria-label": name, class: "dlt-group" });
    section.append(createElement("span", { class: "dlt-name" }, name), ...list.map(createButton));
    return [section];
  };
  box.replaceChildren(
    ...group(withoutLabels, s.ruleScores ? "Without labels" : "Preset"),
    ...group(withLabels, "Uses test labels"),
  );
  if (focused) box.querySelector(`.${focused.split(" ").pop()}`)?.focus();
}
