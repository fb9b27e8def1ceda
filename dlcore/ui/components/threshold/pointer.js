// A drag over a view: the pointer is captured, and the threshold is released at its end.

import { query } from "./dom.js";
import { release } from "./state.js";

export function pointerPosition(view, event) {
  const box = view.box.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

export function captureDrag(s, view, event, onMove, onEnd = () => {}) {
  view.box.setPointerCapture(event.pointerId);
  event.preventDefault();
  query(s, ".dlt-handle").focus({ preventScroll: true });
  view.box.onpointermove = (next) => onMove(...pointerPosition(view, next));
  view.box.onpointerup = view.box.onpointercancel = (last) => {
    view.box.onpointermove = view.onHover ?? null;
    view.box.onpointerup = view.box.onpointercancel = null;
    if (last.type === "pointercancel")
      s.brush = null; // the finger scrolls the page: no click, no zoom
    else onEnd(last);
    release(s);
  };
}
