// Pointer, keyboard and form input.

import { clamp } from "./axes.js";
import { nearestThreshold } from "./curves.js";
import { query, setText } from "./dom.js";
import { formatPlain } from "./format.js";
import { addLabel } from "./lists.js";
import { updateReferenceButtons } from "./markers.js";
import { captureDrag, pointerPosition } from "./pointer.js";
import {
  invalidate,
  nextChange,
  release,
  roundToStep,
  SCORE_VIEWS,
  setThreshold,
  TIME_VIEWS,
  thresholdAfterSteps,
  updateCounts,
  updateReferences,
  visibleViews,
} from "./state.js";
import { listenToTimeView, panBy, zoomTo } from "./time_input.js";

const QUIET_KEYS = 450;

export function listen(s) {
  listenToFields(s);
  listenToKeys(s);
  for (const name of ["histogram", "cost", "pr", "roc"])
    listenToDrag(s, s.views[name], (x, y) => pointerThreshold(s.views[name], x, y));
  for (const name of TIME_VIEWS) listenToTimeView(s, s.views[name]);
  listenToTools(s);
  listenToLabelForm(s);
}

function pointerThreshold(view, x, y) {
  return view.points
    ? nearestThreshold(view, x, y)
    : roundToStep(view.scale.back(clamp(x, view.scale.from, view.scale.to)), view.scale);
}

// Any view in which the pointer itself is the threshold.
function listenToDrag(s, view, threshold) {
  view.box.onpointerdown = (event) => {
    if (event.button || !visibleViews(s).includes(view.name)) return;
    captureDrag(s, view, event, (x, y) => setThreshold(s, threshold(x, y)));
    setThreshold(s, threshold(...pointerPosition(view, event)));
  };
}

export function listenToKeys(s) {
  const handle = query(s, ".dlt-handle");
  handle.onkeydown = (event) => {
    const distance = event.shiftKey ? 10 : 1;
    const limits = { Home: s.axis.low, End: s.axis.high };
    const steps = {
      ArrowUp: distance,
      ArrowRight: distance,
      ArrowDown: -distance,
      ArrowLeft: -distance,
      PageUp: 10,
      PageDown: -10,
    }[event.key];
    if (steps === undefined && limits[event.key] === undefined) return;
    event.preventDefault();
    const isToNextChange = event.ctrlKey || event.metaKey;
    setThreshold(
      s,
      steps === undefined
        ? limits[event.key]
        : isToNextChange
          ? nextChange(s, steps > 0)
          : thresholdAfterSteps(s, steps),
    );
    clearTimeout(s.keyTimer);
    s.keyTimer = setTimeout(() => release(s), QUIET_KEYS);
  };
  handle.onblur = () => {
    clearTimeout(s.keyTimer);
    release(s);
  };
}

function listenToFields(s) {
  const thresholdInput = query(s, ".dlt-value");
  const costInput = query(s, ".dlt-price input");
  const number = (input) =>
    input.value.trim() === "" ? NaN : Number(input.value.trim().replace(",", ".").replace("−", "-"));
  thresholdInput.oninput = () => {
    s.isTyping = true;
    if (Number.isFinite(number(thresholdInput))) setThreshold(s, number(thresholdInput));
    thresholdInput.setAttribute("aria-invalid", String(!Number.isFinite(number(thresholdInput))));
  };
  const commit = () => {
    if (!s.isTyping) return;
    s.isTyping = false;
    thresholdInput.removeAttribute("aria-invalid");
    thresholdInput.value = formatPlain(s.t);
    release(s);
  };
  thresholdInput.onkeydown = (event) => {
    if (event.key === "Enter") commit();
  };
  thresholdInput.onblur = commit;
  costInput.oninput = () => {
    if (!(number(costInput) >= 0)) {
      costInput.setAttribute("aria-invalid", "true");
      return;
    }
    costInput.removeAttribute("aria-invalid");
    s.ratio = number(costInput);
    updateReferences(s);
    updateReferenceButtons(s);
    invalidate(s, [...TIME_VIEWS, ...SCORE_VIEWS]);
  };
  query(s, ".dlt-scope select").onchange = (event) => {
    s.scope = s.data.scopes[Number(event.target.value)];
    updateCounts(s);
  };
}

function listenToTools(s) {
  const zoom = (factor) => () => {
    const [a, b] = s.zoom;
    const middle =
      s.selectedAlarm !== null && s.selectedAlarm > a && s.selectedAlarm < b ? s.selectedAlarm : (a + b) / 2;
    const half = ((b - a) * factor) / 2;
    zoomTo(s, middle - half, middle + half);
  };
  const on = (name, action) => {
    query(s, `.dlt-${name}`).onclick = action;
  };
  on("in", zoom(0.5));
  on("out", zoom(2));
  on("back", () => panBy(s, -0.4));
  on("on", () => panBy(s, 0.4));
  on("all", () => zoomTo(s, 0, s.size));
  const mode = (name) => () => {
    s.mode = name;
    for (const item of ["zoom", "mark"])
      query(s, `.dlt-mode-${item}`).setAttribute("aria-pressed", String(item === name));
  };
  on("mode-zoom", mode("zoom"));
  on("mode-mark", mode("mark"));
}

function listenToLabelForm(s) {
  const [from, to] = ["from", "to"].map((name) => query(s, `.dlt-${name}`));
  const read = (input) =>
    Date.parse(`${input.value.trim().replace(" ", "T")}${/\d\d:\d\d/.test(input.value) ? "" : "T00:00"}Z`);
  query(s, ".dlt-add").onclick = () => {
    const [a, b] = [read(from), read(to)];
    const first = s.timeOf(0);
    const last = s.timeOf(s.size - 1);
    const isValid = a < b && b >= first && a <= last;
    const example = new Date(first).toISOString().slice(0, 16).replace("T", " ");
    setText(query(s, ".dlt-wrong"), isValid ? "" : `Enter two times within the series, for example ${example}.`);
    if (isValid) {
      addLabel(s, s.placeAt(a), s.placeAt(b));
      from.value = to.value = "";
    }
  };
  query(s, ".dlt-add-view").onclick = () => addLabel(s, s.zoom[0], s.zoom[1] - 1);
}
