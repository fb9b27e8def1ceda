// Pointer, keyboard and form input.

import { clamp } from "./axes.js";
import { nearestOn } from "./curves.js";
import { find, put } from "./dom.js";
import { plain } from "./format.js";
import { marked } from "./lists.js";
import { chips } from "./markers.js";
import { at, hold } from "./pointer.js";
import { CURVES, move, nextChange, recount, release, renew, reprice, shownViews, step, TIMES, tidy } from "./state.js";
import { overTime, pan, zoomTo } from "./time_input.js";

const QUIET_KEYS = 450;

export function handle(s) {
  typedValues(s);
  slider(s);
  for (const name of ["histogram", "cost", "pr", "roc"])
    dragged(s, s.views[name], (x, y) => thresholdAt(s.views[name], x, y));
  for (const name of TIMES) overTime(s, s.views[name]);
  tools(s);
  labelForm(s);
}

function thresholdAt(view, x, y) {
  return view.points
    ? nearestOn(view, x, y)
    : tidy(view.scale.back(clamp(x, view.scale.from, view.scale.to)), view.scale);
}

// Any view in which the pointer itself is the threshold.
function dragged(s, view, threshold) {
  view.box.onpointerdown = (event) => {
    if (event.button || !shownViews(s).includes(view.name)) return;
    hold(s, view, event, (x, y) => move(s, threshold(x, y)));
    move(s, threshold(...at(view, event)));
  };
}

export function slider(s) {
  const knob = find(s, ".dlt-handle");
  knob.onkeydown = (event) => {
    const far = event.shiftKey ? 10 : 1;
    const ends = { Home: s.axis.low, End: s.axis.high };
    const steps = { ArrowUp: far, ArrowRight: far, ArrowDown: -far, ArrowLeft: -far, PageUp: 10, PageDown: -10 }[
      event.key
    ];
    if (steps === undefined && ends[event.key] === undefined) return;
    event.preventDefault();
    const onward = event.ctrlKey || event.metaKey;
    move(s, steps === undefined ? ends[event.key] : onward ? nextChange(s, steps > 0) : step(s, steps));
    clearTimeout(s.keys);
    s.keys = setTimeout(() => release(s), QUIET_KEYS);
  };
  knob.onblur = () => {
    clearTimeout(s.keys);
    release(s);
  };
}

function typedValues(s) {
  const typed = find(s, ".dlt-typed");
  const price = find(s, ".dlt-price input");
  const number = (input) =>
    input.value.trim() === "" ? NaN : Number(input.value.trim().replace(",", ".").replace("−", "-"));
  typed.oninput = () => {
    s.typing = true;
    if (Number.isFinite(number(typed))) move(s, number(typed));
    typed.setAttribute("aria-invalid", String(!Number.isFinite(number(typed))));
  };
  const done = () => {
    if (!s.typing) return;
    s.typing = false;
    typed.removeAttribute("aria-invalid");
    typed.value = plain(s.t);
    release(s);
  };
  typed.onkeydown = (event) => {
    if (event.key === "Enter") done();
  };
  typed.onblur = done;
  price.oninput = () => {
    if (!(number(price) >= 0)) {
      price.setAttribute("aria-invalid", "true");
      return;
    }
    price.removeAttribute("aria-invalid");
    s.ratio = number(price);
    reprice(s);
    chips(s);
    renew(s, [...TIMES, ...CURVES]);
  };
  find(s, ".dlt-scope select").onchange = (event) => {
    s.scope = s.data.scopes[Number(event.target.value)];
    recount(s);
  };
}

function tools(s) {
  const zoom = (factor) => () => {
    const [a, b] = s.zoom;
    const middle = s.chosen !== null && s.chosen > a && s.chosen < b ? s.chosen : (a + b) / 2;
    const half = ((b - a) * factor) / 2;
    zoomTo(s, middle - half, middle + half);
  };
  const on = (name, act) => {
    find(s, `.dlt-${name}`).onclick = act;
  };
  on("in", zoom(0.5));
  on("out", zoom(2));
  on("back", () => pan(s, -0.4));
  on("on", () => pan(s, 0.4));
  on("all", () => zoomTo(s, 0, s.size));
  const mode = (name) => () => {
    s.mode = name;
    for (const one of ["zoom", "mark"]) find(s, `.dlt-mode-${one}`).setAttribute("aria-pressed", String(one === name));
  };
  on("mode-zoom", mode("zoom"));
  on("mode-mark", mode("mark"));
}

function labelForm(s) {
  const [from, to] = ["from", "to"].map((name) => find(s, `.dlt-${name}`));
  const read = (input) =>
    Date.parse(`${input.value.trim().replace(" ", "T")}${/\d\d:\d\d/.test(input.value) ? "" : "T00:00"}Z`);
  find(s, ".dlt-add").onclick = () => {
    const [a, b] = [read(from), read(to)];
    const first = s.timeOf(0);
    const last = s.timeOf(s.size - 1);
    const fine = a < b && b >= first && a <= last;
    put(
      find(s, ".dlt-wrong"),
      fine
        ? ""
        : `Write both moments like ${new Date(first).toISOString().slice(0, 16).replace("T", " ")}, the first before the second, within the series.`,
    );
    if (fine) {
      marked(s, s.placeAt(a), s.placeAt(b));
      from.value = to.value = "";
    }
  };
  find(s, ".dlt-add-view").onclick = () => marked(s, s.zoom[0], s.zoom[1] - 1);
}
