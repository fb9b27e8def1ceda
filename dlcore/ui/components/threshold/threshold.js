// Decision threshold: one threshold, several views. Python is notified on release.

import { watch } from "../shared/theme.js";
import { fit } from "./canvas.js";
import { burstsOf, countsAt, cutOf, eventsAt } from "./counts.js";
import { drawCostMoving, drawCostStill, drawCurveMoving, drawCurveStill } from "./curves.js";
import { drawHistogramMoving, drawHistogramStill } from "./histogram.js";
import { handle } from "./input.js";
import { dress, furnish } from "./labels.js";
import { tell } from "./metrics.js";
import { begin, CURVES, coloursOf, kindName, relabel, renew, shownViews, TIMES } from "./state.js";
import { steadyAt } from "./sweep.js";
import { columnsOf, LEFT, RIGHT } from "./time_axes.js";
import { drawScoreMoving, drawScoreStill, drawSeriesMoving, drawSeriesStill } from "./time_chart.js";

const DRAW = {
  series: [drawSeriesStill, drawSeriesMoving],
  score: [drawScoreStill, drawScoreMoving],
  histogram: [drawHistogramStill, drawHistogramMoving],
  cost: [drawCostStill, drawCostMoving],
  pr: [drawCurveStill, drawCurveMoving],
  roc: [drawCurveStill, drawCurveMoving],
};

export function paint(s) {
  const { table } = s;
  s.cut = cutOf(table, s.t);
  s.counts = countsAt(table, s.t);
  s.events = s.hasTime ? eventsAt(table, s.t) : null;
  s.steady = steadyAt(table, s.sweep, s.t);
  if (s.hasTime) {
    s.columns ??= columnsOf(s, s.views.score.box.clientWidth - LEFT - RIGHT);
    s.bursts = burstsOf(s.scores, s.cut, { start: 0, stop: s.size, gap: s.data.gap });
    for (const burst of s.bursts) burst.kind = burstKind(s, burst);
  }
  for (const name of shownViews(s)) {
    const view = s.views[name];
    const [still, moving] = DRAW[name];
    if (s.stale[name]) {
      fit(view);
      still(s, view);
      s.stale[name] = false;
    }
    moving(s, view);
  }
  tell(s);
}

function burstKind(s, burst) {
  const seen = [false, false, false, false];
  for (let i = burst.start; i < burst.stop; i++) if (s.scores[i] > s.cut) seen[s.kinds[i]] = true;
  const first = [1, 2, 0, 3].find((kind) => seen[kind]);
  return kindName(s, first);
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dlt");
  if (root.dlcore?.data.version === data.version) {
    root.dlcore.report = setStateValue;
    return;
  }
  const s = begin(root, data, { report: setStateValue, dress, paint });
  root.dlcore = s;
  s.told = s.t;
  s.colours = coloursOf(root);
  furnish(s);
  relabel(s);
  handle(s);
  root.dlcoreSize?.disconnect();
  root.dlcoreSize = new ResizeObserver(() => {
    s.columns = null;
    renew(s, [...TIMES, ...CURVES]);
  });
  root.dlcoreSize.observe(root);
  watch(root, () => {
    s.colours = coloursOf(root);
    renew(s, [...TIMES, ...CURVES]);
  });
  root.dataset.drawn = data.version;
}
