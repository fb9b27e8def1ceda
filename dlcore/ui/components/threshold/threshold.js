// Decision threshold: one threshold, several views. Python is notified on release.

import { onThemeChange } from "../shared/theme.js";
import { fitCanvases } from "./canvas.js";
import { countAt, countEvents, cutoff, findBursts } from "./counts.js";
import { drawCostMoving, drawCostStill, drawCurveMoving, drawCurveStill } from "./curves.js";
import { drawHistogramMoving, drawHistogramStill } from "./histogram.js";
import { listen } from "./input.js";
import { initializeControls, updateTitles } from "./labels.js";
import { updateMetrics } from "./metrics.js";
import {
  createState,
  invalidate,
  kindName,
  readColors,
  SCORE_VIEWS,
  TIME_VIEWS,
  updateLabels,
  visibleViews,
} from "./state.js";
import { findStableRange } from "./sweep.js";
import { LEFT, RIGHT, reduceColumns } from "./time_axes.js";
import { drawScoreMoving, drawScoreStill, drawSeriesMoving, drawSeriesStill } from "./time_chart.js";

const DRAWING = {
  series: [drawSeriesStill, drawSeriesMoving],
  score: [drawScoreStill, drawScoreMoving],
  histogram: [drawHistogramStill, drawHistogramMoving],
  cost: [drawCostStill, drawCostMoving],
  pr: [drawCurveStill, drawCurveMoving],
  roc: [drawCurveStill, drawCurveMoving],
};

export function paint(s) {
  const { table } = s;
  s.cut = cutoff(table, s.t);
  s.counts = countAt(table, s.t);
  s.events = s.hasTime ? countEvents(table, s.t) : null;
  s.stableRange = findStableRange(table, s.sweep, s.t);
  if (s.hasTime) {
    s.columns ??= reduceColumns(s, s.views.score.box.clientWidth - LEFT - RIGHT);
    s.bursts = findBursts(s.scores, s.cut, { start: 0, stop: s.size, gap: s.data.gap });
    for (const burst of s.bursts) burst.kind = burstKind(s, burst);
  }
  for (const name of visibleViews(s)) {
    const view = s.views[name];
    const [drawStatic, drawMoving] = DRAWING[name];
    if (s.stale[name]) {
      fitCanvases(view);
      drawStatic(s, view);
      s.stale[name] = false;
    }
    drawMoving(s, view);
  }
  updateMetrics(s);
}

function burstKind(s, burst) {
  const hasKind = [false, false, false, false];
  for (let i = burst.start; i < burst.stop; i++) if (s.scores[i] > s.cut) hasKind[s.kinds[i]] = true;
  const first = [1, 2, 0, 3].find((kind) => hasKind[kind]);
  return kindName(s, first);
}

// Rows of the series with its scores, or counts at each threshold at which they change.
function* tableOf(s, isSweep) {
  if (isSweep) {
    yield ["threshold", "true positives", "false positives", "false negatives", "true negatives"];
    for (const threshold of s.sweep.thresholds) {
      const { tp, fp, fn, tn } = countAt(s.table, threshold);
      yield [threshold, tp, fp, fn, tn];
    }
    return;
  }
  yield [s.hasTime ? "time" : "sample", ...(s.values ? ["value"] : []), "score", "label"];
  for (let i = 0; i < s.size; i++) {
    const place = s.hasTime ? new Date(s.timeOf(i)).toISOString().slice(0, 19) : i;
    yield [place, ...(s.values ? [s.values[i]] : []), s.scores[i], s.mask?.[i] ?? ""];
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".dlt");
  if (root.dlcore?.data.version === data.version) {
    root.dlcore.report = setStateValue;
    return;
  }
  const s = createState(root, data, { report: setStateValue, dress: updateTitles, paint });
  root.dlcore = s;
  s.reported = s.t;
  s.colors = readColors(root);
  initializeControls(s);
  updateLabels(s);
  listen(s);
  root.dlcoreSize?.disconnect();
  root.dlcoreSize = new ResizeObserver(() => {
    s.columns = null;
    invalidate(s, [...TIME_VIEWS, ...SCORE_VIEWS]);
  });
  root.dlcoreSize.observe(root);
  onThemeChange(root, () => {
    s.colors = readColors(root);
    invalidate(s, [...TIME_VIEWS, ...SCORE_VIEWS]);
  });
  root.dlcoreDraw = () => {
    for (const name of visibleViews(s)) s.stale[name] = true;
    paint(s);
  };
  root.dlcoreTable = (figure) =>
    tableOf(
      s,
      SCORE_VIEWS.slice(1).some((name) => figure.matches(`.dlt-${name}`)),
    );
  root.dataset.drawn = data.version;
}
