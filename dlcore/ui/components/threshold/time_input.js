// Pointer input over the views with a time axis: drag the threshold, zoom, mark windows, select alarms.

import { clamp } from "./axes.js";
import { find, put } from "./dom.js";
import { moment, short } from "./format.js";
import { choose, marked, unmarked } from "./lists.js";
import { at, hold } from "./pointer.js";
import { move, renew, schedule, TIMES, tidy } from "./state.js";
import { FLOOR, HEADROOM, LEFT, placeToX, RIGHT, xToPlace } from "./time_axes.js";

const GRIP = 14;
const CLICK = 5;

// Over the series and the score a drag zooms (or marks); near the line it moves the line; a click chooses an alarm.
export function overTime(s, view) {
  const near = (y) =>
    view.name === "score" && Math.abs(y - clamp(view.scale.at(s.t), HEADROOM, view.height - FLOOR)) < GRIP;
  view.resting = (event) => {
    const [x, y] = at(view, event);
    view.box.style.cursor = near(y) ? "ns-resize" : x > LEFT ? "crosshair" : "";
    hover(s, view, x);
  };
  view.box.onpointermove = view.resting;
  view.box.onpointerleave = () => {
    view.active = false;
    s.hover = null;
    put(find(s, ".dlt-hover"), "");
    schedule(s);
  };
  view.box.onpointerdown = (event) => {
    if (event.button) return;
    const [x, y] = at(view, event);
    view.active = true;
    if (near(y) || event.target.closest(".dlt-handle")) {
      hold(s, view, event, (_, to) =>
        move(s, tidy(view.scale.back(clamp(to, HEADROOM, view.height - FLOOR)), view.scale)),
      );
      return;
    }
    if (x < LEFT) return;
    hold(
      s,
      view,
      event,
      (to) => {
        s.brush =
          Math.abs(to - x) > CLICK
            ? [xToPlace(s, view, x), xToPlace(s, view, clamp(to, LEFT, view.width - RIGHT))]
            : null;
        schedule(s);
      },
      () => brushed(s, view, x),
    );
  };
  view.box.ondblclick = () => zoomTo(s, 0, s.size);
  view.box.onwheel = (event) => {
    if (!view.active && !event.ctrlKey && !event.metaKey) return; // a page that is scrolled past stays a page
    event.preventDefault();
    const [x] = at(view, event);
    const [from, to] = s.zoom;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      pan(s, Math.sign(event.deltaX || event.deltaY) * 0.1);
      return;
    }
    const middle = xToPlace(s, view, clamp(x, LEFT, view.width - RIGHT));
    const factor = Math.exp(clamp(event.deltaY, -120, 120) * 0.0025);
    zoomTo(s, middle - (middle - from) * factor, middle + (to - middle) * factor);
  };
}

function brushed(s, view, x) {
  const brush = s.brush && [...s.brush].sort((a, b) => a - b);
  const here = xToPlace(s, view, x);
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

export function hover(s, view, x) {
  if (x < LEFT || x > view.width - RIGHT) {
    s.hover = null;
    schedule(s);
    return;
  }
  const i = clamp(Math.floor(xToPlace(s, view, x)), 0, s.size - 1);
  s.hover = i;
  put(
    find(s, ".dlt-hover"),
    `${moment(s.timeOf(i))}${s.values ? ` · ${short(s.values[i], 5)}` : ""} · ${s.data.score} ${short(s.scores[i])}`,
  );
  schedule(s);
}

export function zoomTo(s, from, to) {
  const least = Math.min(s.size, 12);
  const wide = clamp(to - from, least, s.size);
  const start = clamp((from + to - wide) / 2, 0, s.size - wide);
  if (s.zoom[0] === start && s.zoom[1] === start + wide) return;
  s.zoom = [start, start + wide];
  s.columns = null;
  renew(s, TIMES);
}

export function pan(s, share) {
  const wide = s.zoom[1] - s.zoom[0];
  const from = clamp(s.zoom[0] + share * wide, 0, s.size - wide);
  zoomTo(s, from, from + wide);
}
