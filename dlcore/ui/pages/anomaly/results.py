"""Results panel of the anomaly page: scores beside baselines, decision threshold, alarms, learning curves."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.robustness import doubt_part
from dlcore.ui.pages.anomaly.scores import score_part, who_wins
from dlcore.ui.pages.anomaly.threshold import threshold_part
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.learning_curves import show_learning_curves


def results(project: Project, run: Run | None) -> None:
    """Draw verdict, decision threshold, robustness and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="scores, alarms and curves")
    if bundle is None or run is None:
        return
    who_wins(run, bundle)
    threshold_part(project, run, bundle, run_cache.evaluation(bundle).threshold or 0.0)
    score_part(project, run, bundle)
    doubt_part(project, run, bundle)
    show_learning_curves(
        bundle,
        run.record,
        loss="Mean squared reconstruction error (log scale). Validation rising while training falls: overfitting.",
        accuracy="Share of points classified correctly at the threshold from this epoch's validation errors. Neither "
        "split contains a labeled event, so every incorrect point is a false alarm.",
    )
