
// What hand and keyboard do to the threshold, the zoom and the labels.

const GRIP = 14, CLICK = 5, QUIET_KEYS = 450;

function handle(s) {
  typedValues(s);
  slider(s);
  for (const name of ["histogram", "cost", "pr", "roc"]) dragged(s, s.views[name], (x, y) => thresholdAt(s.views[name], x, y));
  for (const name of TIMES) overTime(s, s.views[name]);
  tools(s);
  labelForm(s);
}

function thresholdAt(view, x, y) {
  return view.points ? nearestOn(view, x, y) : tidy(view.scale.back(clamp(x, view.scale.from, view.scale.to)), view.scale);
}

function at(view, event) {
  const box = view.box.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// Any view in which the pointer itself is the threshold.
function dragged(s, view, threshold) {
  view.box.onpointerdown = (event) => {
    if (event.button || !shownViews(s).includes(view.name)) return;
    hold(s, view, event, (x, y) => move(s, threshold(x, y)));
    move(s, threshold(...at(view, event)));
  };
}

function hold(s, view, event, onMove, onEnd = () => {}) {
  view.box.setPointerCapture(event.pointerId);
  event.preventDefault();
  find(s, ".dlt-handle").focus({ preventScroll: true });
  view.box.onpointermove = (next) => onMove(...at(view, next));
  view.box.onpointerup = view.box.onpointercancel = (last) => {
    view.box.onpointermove = view.resting ?? null;
    view.box.onpointerup = view.box.onpointercancel = null;
    if (last.type === "pointercancel") s.brush = null; // the finger scrolls the page: no click, no zoom
    else onEnd(last);
    release(s);
  };
}

function slider(s) {
  const knob = find(s, ".dlt-handle");
  knob.onkeydown = (event) => {
    const far = event.shiftKey ? 10 : 1, ends = { Home: s.axis.low, End: s.axis.high };
    const steps = { ArrowUp: far, ArrowRight: far, ArrowDown: -far, ArrowLeft: -far, PageUp: 10, PageDown: -10 }[event.key];
    if (steps === undefined && ends[event.key] === undefined) return;
    event.preventDefault();
    const onward = event.ctrlKey || event.metaKey;
    move(s, steps === undefined ? ends[event.key] : onward ? nextChange(s, steps > 0) : step(s, steps));
    clearTimeout(s.keys);
    s.keys = setTimeout(() => release(s), QUIET_KEYS);
  };
  knob.onblur = () => { clearTimeout(s.keys); release(s); };
}

function typedValues(s) {
  const typed = find(s, ".dlt-typed"), price = find(s, ".dlt-price input"), number = (input) => (input.value.trim() === "" ? NaN : Number(input.value.trim().replace(",", ".").replace("−", "-")));
  typed.oninput = () => { s.typing = true; if (Number.isFinite(number(typed))) move(s, number(typed)); typed.setAttribute("aria-invalid", String(!Number.isFinite(number(typed)))); };
  const done = () => { if (!s.typing) return; s.typing = false; typed.removeAttribute("aria-invalid"); typed.value = plain(s.t); release(s); };
  typed.onkeydown = (event) => { if (event.key === "Enter") done(); };
  typed.onblur = done;
  price.oninput = () => {
    if (!(number(price) >= 0)) { price.setAttribute("aria-invalid", "true"); return; }
    price.removeAttribute("aria-invalid");
    s.ratio = number(price);
    reprice(s);
    chips(s);
    renew(s, [...TIMES, ...CURVES]);
  };
  find(s, ".dlt-scope select").onchange = (event) => { s.scope = s.data.scopes[Number(event.target.value)]; recount(s); };
}

// Over the series and the score a drag zooms (or marks); near the line it moves the line; a click chooses an alarm.
function overTime(s, view) {
  const near = (y) => view.name === "score" && Math.abs(y - clamp(view.scale.at(s.t), HEADROOM, view.height - FLOOR)) < GRIP;
  view.resting = (event) => {
    const [x, y] = at(view, event);
    view.box.style.cursor = near(y) ? "ns-resize" : x > LEFT ? "crosshair" : "";
    hover(s, view, x);
  };
  view.box.onpointermove = view.resting;
  view.box.onpointerleave = () => { view.active = false; s.hover = null; put(find(s, ".dlt-hover"), ""); schedule(s); };
  view.box.onpointerdown = (event) => {
    if (event.button) return;
    const [x, y] = at(view, event);
    view.active = true;
    if (near(y) || event.target.closest(".dlt-handle")) { hold(s, view, event, (_, to) => move(s, tidy(view.scale.back(clamp(to, HEADROOM, view.height - FLOOR)), view.scale))); return; }
    if (x < LEFT) return;
    hold(s, view, event, (to) => { s.brush = Math.abs(to - x) > CLICK ? [xToPlace(s, view, x), xToPlace(s, view, clamp(to, LEFT, view.width - RIGHT))] : null; schedule(s); }, () => brushed(s, view, x, y));
  };
  view.box.ondblclick = () => zoomTo(s, 0, s.size);
  view.box.onwheel = (event) => {
    if (!view.active && !event.ctrlKey && !event.metaKey) return; // a page that is scrolled past stays a page
    event.preventDefault();
    const [x] = at(view, event), [from, to] = s.zoom;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) { pan(s, Math.sign(event.deltaX || event.deltaY) * 0.1); return; }
    const middle = xToPlace(s, view, clamp(x, LEFT, view.width - RIGHT)), factor = Math.exp(clamp(event.deltaY, -120, 120) * 0.0025);
    zoomTo(s, middle - (middle - from) * factor, middle + (to - middle) * factor);
  };
}

function brushed(s, view, x, y) {
  const brush = s.brush && [...s.brush].sort((a, b) => a - b), here = xToPlace(s, view, x);
  s.brush = null;
  if (brush && s.mode === "mark" && view.name === "series") marked(s, ...brush);
  else if (brush) zoomTo(s, ...brush);
  else if (s.mode === "mark" && view.name === "series") {
    const own = s.windows.find((one) => one.kind === "yours" && here >= one.start && here <= one.stop);
    if (own) unmarked(s, own.number);
  } else {
    const near = [...s.bursts].sort((a, b) => distance(a, here) - distance(b, here))[0];
    if (near && Math.abs(placeToX(s, view, clamp(here, near.start, near.stop)) - x) < 12) choose(s, near.peak);
  }
  schedule(s);
}

const distance = (burst, here) => Math.abs(here - clamp(here, burst.start, burst.stop));

function hover(s, view, x) {
  if (x < LEFT || x > view.width - RIGHT) { s.hover = null; schedule(s); return; }
  const i = clamp(Math.floor(xToPlace(s, view, x)), 0, s.size - 1);
  s.hover = i;
  put(find(s, ".dlt-hover"), `${moment(s.timeOf(i))}${s.values ? ` · ${short(s.values[i], 5)}` : ""} · ${s.data.score} ${short(s.scores[i])}`);
  schedule(s);
}

function zoomTo(s, from, to) {
  const least = Math.min(s.size, 12), wide = clamp(to - from, least, s.size), start = clamp((from + to - wide) / 2, 0, s.size - wide);
  if (s.zoom[0] === start && s.zoom[1] === start + wide) return;
  s.zoom = [start, start + wide];
  s.columns = null;
  renew(s, TIMES);
}

function pan(s, share) {
  const wide = s.zoom[1] - s.zoom[0], from = clamp(s.zoom[0] + share * wide, 0, s.size - wide);
  zoomTo(s, from, from + wide);
}

function tools(s) {
  const zoom = (factor) => () => { const [a, b] = s.zoom, middle = s.chosen !== null && s.chosen > a && s.chosen < b ? s.chosen : (a + b) / 2, half = ((b - a) * factor) / 2; zoomTo(s, middle - half, middle + half); };
  const on = (name, act) => { find(s, `.dlt-${name}`).onclick = act; };
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
  const read = (input) => Date.parse(`${input.value.trim().replace(" ", "T")}${/\d\d:\d\d/.test(input.value) ? "" : "T00:00"}Z`);
  find(s, ".dlt-add").onclick = () => {
    const [a, b] = [read(from), read(to)], first = s.timeOf(0), last = s.timeOf(s.size - 1);
    const fine = a < b && b >= first && a <= last;
    put(find(s, ".dlt-wrong"), fine ? "" : `Write both moments like ${new Date(first).toISOString().slice(0, 16).replace("T", " ")}, the first before the second, within the series.`);
    if (fine) { marked(s, s.placeAt(a), s.placeAt(b)); from.value = to.value = ""; }
  };
  find(s, ".dlt-add-view").onclick = () => marked(s, s.zoom[0], s.zoom[1] - 1);
}

// The handle lies on the line of the score, or under the bar of the histogram where there is no time.
function putHandle(s, view, where) {
  const knob = find(s, ".dlt-handle");
  if (s.hasTime) knob.style.transform = `translate(0px, ${where.toFixed(1)}px)`;
  else knob.style.transform = `translate(${where.toFixed(1)}px, 0px)`;
}
