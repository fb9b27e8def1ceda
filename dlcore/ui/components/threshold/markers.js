// Buttons that jump to reference thresholds.

import { createElement, query } from "./dom.js";
import { capitalize, formatShort } from "./format.js";
import { invalidate, release, SCORE_VIEWS, setThreshold, TIME_VIEWS, updateReferences } from "./state.js";

// One button for each mark; the two that look at the labels say so.
export function updateReferenceButtons(s) {
  const withoutLabels = s.ghosts.filter((item) => !item.seen);
  const withLabels = s.ghosts.filter((item) => item.seen);
  const box = query(s, ".dlt-ghosts");
  const focused = document.activeElement?.closest?.(".dlt-ghosts") === box ? document.activeElement.className : "";
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
      meanStd: ["k", "how many standard deviations", s.k],
      quantile: ["quantile", "which quantile", s.quantile],
    }[reference.id];
    if (!parameter) return button;
    const input = createElement("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": `${reference.name}: ${parameter[1]}`,
      class: `dlt-knob dlt-knob-${parameter[0]}`,
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
      setThreshold(s, s.ghosts.find((item) => item.id === reference.id).value);
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
    ...group(withoutLabels, s.calm ? "Set without labels" : "Set beforehand"),
    ...group(withLabels, "Seen with the answers"),
  );
  if (focused) box.querySelector(`.${focused.split(" ").pop()}`)?.focus();
}
