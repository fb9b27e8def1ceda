// Buttons that jump to reference thresholds.

import { element, find } from "./dom.js";
import { capital, short } from "./format.js";
import { CURVES, move, release, renew, reprice, TIMES } from "./state.js";

// One button for each mark; the two that look at the labels say so.
export function chips(s) {
  const blind = s.ghosts.filter((one) => !one.seen);
  const seen = s.ghosts.filter((one) => one.seen);
  const box = find(s, ".dlt-ghosts");
  const held = document.activeElement?.closest?.(".dlt-ghosts") === box ? document.activeElement.className : "";
  const chip = (ghost) => {
    const button = element("button", {
      type: "button",
      "data-id": ghost.id,
      class: `dlt-chip dlt-chip-${ghost.id}`,
      "aria-pressed": "false",
    });
    button.append(element("span", {}, capital(ghost.name)), element("b", {}, short(ghost.value)));
    button.onclick = () => {
      move(s, ghost.value);
      release(s);
    };
    const knob = {
      meanStd: ["k", "how many standard deviations", s.k],
      quantile: ["quantile", "which quantile", s.quantile],
    }[ghost.id];
    if (!knob) return button;
    const input = element("input", {
      type: "text",
      inputmode: "decimal",
      "aria-label": `${ghost.name}: ${knob[1]}`,
      class: `dlt-knob dlt-knob-${knob[0]}`,
      autocomplete: "off",
    });
    input.value = knob[2];
    input.onchange = () => {
      const typed = Number(input.value.replace(",", "."));
      const fine =
        Number.isFinite(typed) && input.value.trim() !== "" && (knob[0] === "k" || (typed >= 0 && typed <= 1));
      if (!fine) {
        input.value = s[knob[0]];
        return;
      }
      s[knob[0]] = typed;
      reprice(s);
      chips(s);
      move(s, s.ghosts.find((one) => one.id === ghost.id).value);
      release(s);
      renew(s, [...TIMES, ...CURVES]);
    };
    const pair = element("span", { class: "dlt-pair" });
    pair.append(button, input);
    return pair;
  };
  const group = (list, name) => {
    if (!list.length) return [];
    const made = element("div", { role: "group", "aria-label": name, class: "dlt-group" });
    made.append(element("span", { class: "dlt-name" }, name), ...list.map(chip));
    return [made];
  };
  box.replaceChildren(
    ...group(blind, s.calm ? "Set without labels" : "Set beforehand"),
    ...group(seen, "Seen with the answers"),
  );
  if (held) box.querySelector(`.${held.split(" ").pop()}`)?.focus();
}
