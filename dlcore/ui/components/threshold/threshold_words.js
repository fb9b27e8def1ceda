
// What the threshold's component says in words: figures, marks to jump to, alarms, labels by hand.

const element = (tag, attributes = {}, text = "") => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
};
const put = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
const plural = (count, one, many = `${one}s`) => `${round(count)} ${count === 1 ? one : many}`;

// Everything that is made once: titles, controls, the handle's place.
function furnish(s) {
  const { root, data } = s, titles = [...root.querySelectorAll(".dlt-times .dlt-title > p")];
  root.classList.toggle("dlt-timeless", !s.hasTime);
  root.classList.toggle("dlt-valueless", !s.values);
  put(titles[0], s.values ? capital(data.value) : "");
  put(titles[1], `${capital(data.score)} over time${s.axis.log ? " (logarithmic)" : ""}: drag the line`);
  put(root.querySelector(".dlt-cell-histogram p"), "");
  const scope = root.querySelector(".dlt-scope select");
  scope.replaceChildren(...data.scopes.map((one, i) => element("option", { value: i }, one.name)));
  scope.value = String(data.scope);
  root.querySelector(".dlt-scope").hidden = data.scopes.length < 2;
  const [before, after] = root.querySelectorAll(".dlt-price > span");
  put(before, `A missed ${data.words.positive} costs as much as`);
  put(after, s.hasTime ? "false alarms" : `false ${data.words.calls}`);
  root.querySelector(".dlt-price input").value = s.ratio;
  const box = s.views.histogram.box;
  if (!box.querySelector(".dlt-corner")) for (const name of ["tn", "fp", "fn", "tp"]) box.append(element("span", { class: `dlt-corner dlt-${name}` }));
  (s.hasTime ? s.views.score : s.views.histogram).box.append(root.querySelector(".dlt-handle"));
  root.querySelector(".dlt-handle").setAttribute("aria-orientation", s.hasTime ? "vertical" : "horizontal");
}

// What is there depends on the labels: called whenever they change.
function dress(s) {
  const { root, data } = s;
  root.classList.toggle("dlt-unlabelled", !s.labelled);
  root.querySelector(".dlt-figures").replaceChildren(...figuresOf(s).map(([id, name]) => {
    const cell = element("div", { class: `dlt-figure dlt-is-${id}` });
    cell.append(element("dt", {}, name), element("dd", { class: "dlt-number" }), element("dd", { class: "dlt-beside" }));
    return cell;
  }));
  const chosen = s.scope.name;
  put(root.querySelector(".dlt-cell-histogram p"), s.labelled ? `Up: ${data.words.negatives}. Down: ${data.words.positives}` : `How often each ${data.score} comes`);
  s.views.histogram.box.setAttribute("aria-label", `Histogram of the ${data.score} on ${chosen}`);
  put(root.querySelector(".dlt-cell-cost p"), "Cost at each threshold");
  if (s.areas) {
    put(root.querySelector(".dlt-cell-pr p"), `Precision against recall, area ${s.areas.precision.toFixed(3)}`);
    put(root.querySelector(".dlt-cell-roc p"), `ROC, area ${s.areas.roc.toFixed(3)}`);
    s.views.pr.box.setAttribute("aria-label", `Precision-recall curve on ${chosen}, area ${s.areas.precision.toFixed(3)}`);
    s.views.roc.box.setAttribute("aria-label", `ROC curve on ${chosen}, area ${s.areas.roc.toFixed(3)}`);
    s.views.cost.box.setAttribute("aria-label", `Cost at each threshold on ${chosen}`);
  }
  if (s.hasTime) s.views.series.box.setAttribute("aria-label", `${capital(data.value || data.score)} over time with ${plural(s.windows.length, "marked window")}: ${s.windows.map((one) => one.name).join(", ")}`);
  key(s);
  chips(s);
  markRows(s);
}

// The key to shapes and shadings: only what there is.
function key(s) {
  const kinds = s.labelled ? [["right", "alarm in a labelled window"], ["false", "false alarm"]] : [["plain", "alarm"]];
  if (s.windows.some((one) => one.kind === "plausible")) kinds.push(["plausible", "alarm on a known holiday without a label (hatched): counted as false, and apart"]);
  if (s.scope.start > 0 || s.scope.stop < s.size) kinds.push(["aside", "alarm in a part that is not counted"]);
  const items = kinds.map(([kind, text]) => {
    const item = element("span");
    item.append(element("b", { class: `dlt-sign-${kind}`, "aria-hidden": "true" }, SIGNS[kind]), ` ${text}`);
    return item;
  });
  find(s, ".dlt-key").replaceChildren(...items, element("span", {}, "Drag over a view to zoom, wheel after a click, double click for everything."));
}

const find = (s, selector) => s.root.querySelector(selector);

function figuresOf(s) {
  const { counts, events, data } = s, weeks = s.days / 7, months = s.days / MONTH_DAYS;
  if (!counts) return s.labelled ? LABELLED(s).map((id) => [id, NAMES[id]]) : UNLABELLED(s).map((id) => [id, NAMES[id]]);
  const alarms = counts.tp + counts.fp, none = alarms === 0;
  const values = {
    events: events && [`${events.caught} of ${events.total}`, events.total - events.caught ? `${events.total - events.caught} missed` : "all caught"],
    false: events && [round(events.bursts), `${short(events.bursts / months, 2)} a month${events.plausible ? `, ${events.plausible} on a holiday` : ""}`],
    delay: events && [Number.isFinite(events.delay) ? `${((events.delay * data.step_ms) / HOUR).toFixed(1)} h` : "–", "mean, to first alarm"],
    precision: [none ? "–" : percent(counts.precision), `${round(counts.tp)} of ${round(alarms)} ${data.words.calls}`],
    recall: [percent(counts.recall), `${round(counts.tp)} of ${round(s.table.positives)} found`],
    f1: [counts.tp ? percent(counts.f1) : "–", "of the two"],
    accuracy: [percent(counts.accuracy), `${round(counts.tp + counts.tn)} right`],
    cost: s.labelled && [round(s.costs[placeOf(s.sweep, s.table, s.t)]), s.hasTime
      ? `${events.total - events.caught} × ${short(s.ratio)} + ${round(events.bursts)}` : `${round(counts.fn)} × ${short(s.ratio)} + ${round(counts.fp)}`],
    weekly: events && [short(events.bursts / weeks, 2), "alarms a week"],
    bursts: events && [round(events.bursts), "less than a day apart are one"],
    points: [round(alarms), `${percent(alarms / Math.max(1, s.table.all.length))} of ${plural(s.table.all.length, "point")}`],
  };
  return (s.labelled ? LABELLED(s) : UNLABELLED(s)).map((id) => [id, NAMES[id], ...values[id]]);
}

const NAMES = { events: "Events caught", false: "False alarms", delay: "Delay", precision: "Precision", recall: "Recall", f1: "F1", accuracy: "Accuracy", cost: "Cost", weekly: "A week", bursts: "Alarms", points: "Points above" };
const LABELLED = (s) => (s.hasTime ? ["events", "false", "delay", "precision", "recall", "f1", "cost"] : ["accuracy", "precision", "recall", "f1", "cost"]);
const UNLABELLED = (s) => (s.hasTime ? ["weekly", "bursts", "points"] : ["points"]);

// Every number that moves with the threshold.
function tell(s) {
  const cells = find(s, ".dlt-figures").children;
  figuresOf(s).forEach(([, , value, note], i) => { put(cells[i].children[1], value); put(cells[i].children[2], note); });
  const typed = find(s, ".dlt-typed"), slider = find(s, ".dlt-handle"), text = plain(s.t);
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
  if (s.labelled) for (const one of ["tp", "fp", "fn", "tn"]) put(find(s, `.dlt-four .dlt-n-${one} b`), round(s.counts[one]));
  clearTimeout(s.later);
  s.later = setTimeout(() => { alarmRows(s); put(find(s, ".dlt-live"), spoken(s)); }, 350);
}

const plain = (number) => String(Number(number.toPrecision(5)));

function steadyWords(s) {
  const { low, high } = s.steady, way = (to) => {
    const percent = Math.abs(100 * (to / s.t - 1));
    return `${to > s.t ? "+" : "−"}${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  };
  const [down, up] = [Number.isFinite(low), Number.isFinite(high)], share = s.hasTime && s.t > 0 && s.axis.low >= 0;
  const what = s.labelled && s.hasTime ? "No event lost, no alarm gained" : "Nothing changes";
  if (!down && !up) return `${what} anywhere.`;
  let digits = 3;
  while (digits < 8 && down && up && short(low, digits) === short(high, digits)) digits++;
  if (!up) return `${what} from ${short(low)} upwards.`;
  if (!down) return `${what} up to ${short(high)}.`;
  return `${what} from ${short(low, digits)} to ${short(high, digits)}${share ? ` (${way(low)} to ${way(high)})` : ""}.`;
}

function spoken(s) {
  return `Threshold ${plain(s.t)}. ${figuresOf(s).map(([, name, value]) => `${name} ${value}`).join(", ")}. ${["tp", "fp", "fn", "tn"].map((one) => `${one.toUpperCase()} ${s.counts[one]}`).join(", ")}.`;
}

// One button for each mark; the two that look at the labels say so.
function chips(s) {
  const blind = s.ghosts.filter((one) => !one.seen), seen = s.ghosts.filter((one) => one.seen), box = find(s, ".dlt-ghosts");
  const held = document.activeElement?.closest?.(".dlt-ghosts") === box ? document.activeElement.className : "";
  const chip = (ghost) => {
    const button = element("button", { type: "button", "data-id": ghost.id, class: `dlt-chip dlt-chip-${ghost.id}`, "aria-pressed": "false" });
    button.append(element("span", {}, capital(ghost.name)), element("b", {}, short(ghost.value)));
    button.onclick = () => { move(s, ghost.value); release(s); };
    const knob = { meanStd: ["k", "how many standard deviations", s.k], quantile: ["quantile", "which quantile", s.quantile] }[ghost.id];
    if (!knob) return button;
    const input = element("input", { type: "text", inputmode: "decimal", "aria-label": `${ghost.name}: ${knob[1]}`, class: `dlt-knob dlt-knob-${knob[0]}`, autocomplete: "off" });
    input.value = knob[2];
    input.onchange = () => {
      const typed = Number(input.value.replace(",", "."));
      const fine = Number.isFinite(typed) && input.value.trim() !== "" && (knob[0] === "k" || (typed >= 0 && typed <= 1));
      if (!fine) { input.value = s[knob[0]]; return; }
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
  box.replaceChildren(...group(blind, s.calm ? "Set without labels" : "Set beforehand"), ...group(seen, "Seen with the answers"));
  if (held) box.querySelector(`.${held.split(" ").pop()}`)?.focus();
}

// The bursts of alarms, the highest first, each a button that opens it.
function alarmRows(s) {
  if (!s.hasTime) return;
  const box = find(s, ".dlt-alarms .dlt-rows"), shown = [...s.bursts].sort((a, b) => s.scores[b.peak] - s.scores[a.peak]).slice(0, MOST_ROWS);
  const said = s.bursts.length > shown.length ? `The ${shown.length} strongest of ${plural(s.bursts.length, "alarm")}` : `${plural(s.bursts.length, "alarm")}, the strongest first`;
  put(find(s, ".dlt-alarms .dlt-name"), s.bursts.length ? `${said}: choose one to see why` : "No alarm at this threshold");
  const now = JSON.stringify([shown.map((one) => [one.start, one.stop, one.kind]), s.chosen]);
  if (box.dataset.now === now) return;
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.peak : "";
  box.dataset.now = now;
  box.replaceChildren(...shown.map((burst) => {
    const button = element("button", { type: "button", class: "dlt-row", "data-peak": burst.peak, "aria-pressed": String(burst.peak === s.chosen) });
    const window = s.windows.find((one) => burst.start < one.stop && burst.stop > one.start && (burst.kind !== "right" || one.kind !== "plausible"));
    const kind = { right: window?.name ?? "labelled", false: "false alarm", plausible: `${window?.name ?? "holiday"} (no label)`, plain: "alarm", aside: `${partAt(s, burst.peak)}, not counted` }[burst.kind];
    button.append(element("b", { class: `dlt-sign-${burst.kind}`, "aria-hidden": "true" }, SIGNS[burst.kind]), element("span", {}, moment(s.timeOf(burst.peak))), element("span", {}, kind), element("i", {}, short(s.scores[burst.peak])));
    button.onclick = () => choose(s, burst.peak);
    return button;
  }));
  if (held) { box.querySelector(`[data-peak="${held}"]`)?.focus(); return; }
  const chosen = box.querySelector('[aria-pressed="true"]');
  if (chosen) box.scrollTop = chosen.offsetTop - box.offsetTop - box.clientHeight / 2;
}

const partAt = (s, place) => s.data.parts.find((part) => place >= part.start && place < part.stop)?.name ?? "elsewhere";

function choose(s, peak) {
  s.chosen = peak;
  schedule(s);
  alarmRows(s);
  s.report("alarm", peak);
}

function markRows(s) {
  if (!s.hasTime) return;
  find(s, ".dlt-marks .dlt-rows").replaceChildren(...s.yours.map((one, i) => {
    const button = element("button", { type: "button", class: "dlt-row", "aria-label": `Remove the label from ${moment(one.start)} to ${moment(one.end)}` });
    button.append(element("b", { "aria-hidden": "true" }, "×"), element("span", {}, `${moment(one.start)} to ${moment(one.end)}`), element("span", {}, "remove"));
    button.onclick = () => unmarked(s, i);
    return button;
  }));
}

function marked(s, from, to) {
  const [a, b] = [from, to].sort((p, q) => p - q).map((place) => clamp(place, 0, s.size - 1));
  s.yours = [...s.yours, { start: s.timeOf(Math.floor(a)), end: s.timeOf(Math.max(Math.floor(a), Math.floor(b))) }].sort((p, q) => p.start - q.start);
  reportMarks(s);
}

function unmarked(s, number) {
  s.yours = s.yours.filter((_, i) => i !== number);
  reportMarks(s);
  find(s, ".dlt-from").focus();
}

function reportMarks(s) {
  relabel(s);
  s.report("marked", s.yours.map((one) => [one.start, one.end]));
}
