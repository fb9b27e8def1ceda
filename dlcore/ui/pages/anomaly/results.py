"""Results of the anomaly page: scores beside simple methods, a threshold to move, alarms over time, curves."""

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.robustness import doubt_part
from dlcore.ui.pages.anomaly.scores import score_part, who_wins
from dlcore.ui.pages.anomaly.threshold import threshold_part
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.learning_curves import show_learning_curves


def results(project: Project, run: Run | None) -> None:
    """Who wins, the threshold and what it does, how sure that is, and how the model learnt."""
    bundle = run_cache.finished_bundle(run, to_see="its scores, alarms and curves")
    if bundle is None or run is None:
        return
    who_wins(run, bundle)
    threshold_part(project, run, bundle, run_cache.evaluation(bundle).threshold or 0.0)
    score_part(project, run, bundle)
    doubt_part(project, run, bundle)
    show_learning_curves(
        bundle,
        run.record,
        loss="Mean squared distance between the series and the model's copy, on a logarithmic axis. Lower is better; "
        "a validation line that turns upwards means learning by heart.",
        accuracy="Share of points judged rightly at the threshold that this epoch's validation errors set. Neither "
        "part holds a labelled event, so a wrong point here is an alarm on an ordinary day.",
    )
