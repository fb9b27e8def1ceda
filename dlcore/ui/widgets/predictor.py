"""Choice between the network and a stored baseline that can predict."""

from typing import Any

from dlcore.evaluation.metrics import baseline_title
from dlcore.projects.project import Project
from dlcore.runs import Bundle, inference
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose

NETWORK = ""


def choose_predictor(project: Project, bundle: Bundle) -> str:
    """Return the name of the choice baseline, empty for the network; draws nothing if none is stored."""
    names = inference.list_baselines(bundle) if project.usable_baselines else []
    if not names:
        return NETWORK
    titles = {NETWORK: project.models[bundle.config.model].title} | {name: baseline_title(name) for name in names}
    choice: str = choose(
        "Predict with",
        titles,
        key="predict-with",
        default=NETWORK,
        format_func=titles.__getitem__,
        show_label=True,
    )
    return choice


def predict_with(baseline: str, project: Project, bundle: Bundle, payload: bytes) -> dict[str, Any]:
    """Return the prediction of the network, or of a stored baseline.

    Raises:
        WorkbenchError: the input is invalid.
    """
    loaded = run_cache.load_model(bundle)
    if not baseline:
        return project.answer(loaded, payload)
    return inference.answer_with(baseline, bundle, project, loaded, payload)
