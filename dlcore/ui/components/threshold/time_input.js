// Pointer input over the views with a time axis: drag the threshold, zoom, mark windows, select alarms.

import { clamp } from "./axes.js";
import { query, setText } from "./dom.js";
import { formatShort, formatTime } from "./format.js";
import { addLabel, removeLabel, selectAlarm } from "./lists.js";
import { captureDrag, pointerPosition } from "./pointer.js";
import { invalidate, roundToStep, schedule, setThreshold, TIME_VIEWS } from "./state.js";
import { BOTTOM, LEFT, RIGHT, TOP, toPlace, toX } from "./time_axes.js";

const GRIP = 14;
const CLICK = 5;

// A drag zooms or marks; near the line it moves the threshold; a click selects an alarm.
export function listenToTimeView(s, view) {
  const isNearLine = (y) =>
    view.name === "score" && Math.abs(y - clamp(view.scale.at(s.t), TOP, view.height - BOTTOM)) < GRIP;
  view.onHover = (event) => {
    const [x, y] = pointerPosition(view, event);
    view.box.style.cursor = isNearLine(y) ? "ns-resize" : x > LEFT ? "crosshair" : "";
    showHover(s, view, x);
  };
  view.box.onpointermove = view.onHover;
  view.box.onpointerleave = () => {
    view.active = false;
    s.hover = null;
    setText(query(s, ".dlt-hover"), "");
    schedule(s);
  };
  view.box.onpointerdown = (event) => {
    if (event.button) return;
    const [x, y] = pointerPosition(view, event);
    view.active = true;
    if (isNearLine(y) || event.target.closest(".dlt-handle")) {
      captureDrag(s, view, event, (_, to) =>
        setThreshold(s, roundToStep(view.scale.back(clamp(to, TOP, view.height - BOTTOM)), view.scale)),
      );
      return;
    }
    if (x < LEFT) return;
    captureDrag(
      s,
      view,
      event,
      (to) => {
        s.brush =
          Math.abs(to - x) > CLICK
            ? [toPlace(s, view, x), toPlace(s, view, clamp(to, LEFT, view.width - RIGHT))]
            : null;
        schedule(s);
      },
      () => endBrush(s, view, x),
    );
  };
  view.box.ondblclick = () => zoomTo(s, 0, s.size);
  view.box.onwheel = (event) => {
    if (!view.active && !event.ctrlKey && !event.metaKey) return; // the wheel scrolls the page until a view is clicked
    event.preventDefault();
    const [x] = pointerPosition(view, event);
    const [from, to] = s.zoom;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      panBy(s, Math.sign(event.deltaX || event.deltaY) * 0.1);
      return;
    }
    const middle = toPlace(s, view, clamp(x, LEFT, view.width - RIGHT));
    const factor = Math.exp(clamp(event.deltaY, -120, 120) * 0.0025);
    zoomTo(s, middle - (middle - from) * factor, middle + (to - middle) * factor);
  };
}

function endBrush(s, view, x) {
  const brush = s.brush && [...s.brush].sort((a, b) => a - b);
  const place = toPlace(s, view, x);
  s.brush = null;
  if (brush && s.mode === "mark" && view.name === "series") addLabel(s, ...brush);
  else if (brush) zoomTo(s, ...brush);
  else if (s.mode === "mark" && view.name === "series") {
    const label = s.windows.find((window) => window.kind === "manual" && place >= window.start && place <= window.stop);
    if (label) removeLabel(s, label.number);
  } else {
    const isNearLine = [...s.bursts].sort((a, b) => distance(a, place) - distance(b, place))[0];
    if (isNearLine && Math.abs(toX(s, view, clamp(place, isNearLine.start, isNearLine.stop)) - x) < 12)
      selectAlarm(s, isNearLine.peak);
  }
  schedule(s);
}

const distance = (burst, place) => Math.abs(place - clamp(place, burst.start, burst.stop));

export function showHover(s, view, x) {
  if (x < LEFT || x > view.width - RIGHT) {
    s.hover = null;
    schedule(s);
    return;
  }
  const i = clamp(Math.floor(toPlace(s, view, x)), 0, s.size - 1);
  s.hover = i;
  setText(
    query(s, ".dlt-hover"),
    [
      formatTime(s.timeOf(i)),
      ...(s.values ? [formatShort(s.values[i], 5)] : []),
      `${s.data.score_name} ${formatShort(s.scores[i])}`,
    ].join(" · "),
  );
  schedule(s);
}

export function zoomTo(s, from, to) {
  const minWidth = Math.min(s.size, 12);
  const width = clamp(to - from, minWidth, s.size);
  const start = clamp((from + to - width) / 2, 0, s.size - width);
  if (s.zoom[0] === start && s.zoom[1] === start + width) return;
  s.zoom = [start, start + width];
  s.columns = null;
  invalidate(s, TIME_VIEWS);
}

export function panBy(s, share) {
  const width = s.zoom[1] - s.zoom[0];
  const from = clamp(s.zoom[0] + share * width, 0, s.size - width);
  zoomTo(s, from, from + width);
}
