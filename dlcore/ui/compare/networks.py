"""One image, answered by the networks of a comparison beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle, comparisons, lessons, open_run
from dlcore.runs.comparisons import Comparison
from dlcore.ui.train.comparison_form import ADDRESS
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.bars import show_probabilities

PER_ROW, MAX_NETWORKS = 3, 6


def offer_networks(project: Project, payload: bytes) -> None:
    """Draw a toggle; if it is on, show what the networks of a comparison predict for the user's image."""
    if st.toggle("Compare networks", key="compare-networks", bind="query-params"):
        networks = choose_networks(project)
        if networks:
            predictions = answer_all(project, networks, payload)
            show_answers(predictions, next(iter(networks.values())).labels)
        else:
            st.caption("This page has no two finished networks to compare.")


def list_networks(project: Project) -> dict[str, tuple[Comparison, dict[str, Bundle]]]:
    """Return the comparisons with several networks by id, each with its networks by variant."""
    opened = {key: (each, _open(each)) for key, each in lessons.list_comparisons(project).items()}
    return {key: pair for key, pair in opened.items() if len(pair[1]) > 1}


def choose_networks(project: Project) -> dict[str, Bundle]:
    """Let the user choose a comparison; returns its networks by title, empty without one."""
    by_id = list_networks(project)
    if not by_id:
        return {}
    titles = {key: comparison.title for key, (comparison, _) in by_id.items()}
    requested = st.query_params.get(ADDRESS, comparisons.REFERENCE)
    key = st.selectbox(
        "Networks of",
        list(titles),
        index=list(titles).index(requested) if requested in titles else 0,
        key=f"answers-{project.slug}-{requested}-{len(titles)}",
        format_func=titles.__getitem__,
        help="The first seed of each variant that is stored with its weights.",
    )
    return {_title(project, name, bundle): bundle for name, bundle in by_id[key][1].items()}


def _open(comparison: Comparison) -> dict[str, Bundle]:
    """Return the first finished run with weights of each variant, at most `MAX_NETWORKS`."""
    networks = {}
    for variant, records in comparison.variants.items():
        bundles = [bundle for record in records if (bundle := open_run(record.run_id).bundle) is not None]
        usable = [bundle for bundle in bundles if bundle.has_weights]
        if usable:
            networks[variant] = usable[0]
    return dict(list(networks.items())[:MAX_NETWORKS])


def _title(project: Project, name: str, bundle: Bundle) -> str:
    """Return the label of a variant, the model's title in place of its name."""
    return project.models[bundle.config.model].title if name == bundle.config.model else name


def answer_all(project: Project, networks: Mapping[str, Bundle], payload: bytes) -> dict[str, dict[str, Any]]:
    """Return the networks' predictions for an image by title, without those whose pretrained part is not here."""
    predictions = {}
    for name, bundle in networks.items():
        try:
            predictions[name] = answer(project, bundle, payload)
        except WorkbenchError as error:
            st.caption(f"{as_text(name)}: {error_line(error)}")
    return predictions


def answer(project: Project, bundle: Bundle, payload: bytes) -> dict[str, Any]:
    """Return the run's prediction for an image, as `Run.predict` does, with the model in the cache.

    Raises:
        DataError: the image cannot be read.
    """
    return project.answer(run_cache.load_model(bundle), payload)


def show_answers(
    predictions: Mapping[str, Mapping[str, Any]], labels: Sequence[str], *, truth: int | None = None
) -> None:
    """Render the answer and the class probabilities of each network in columns."""
    names = list(predictions)
    for start in range(0, len(names), PER_ROW):
        for column, name in zip(st.columns(PER_ROW), names[start : start + PER_ROW], strict=False):
            with column:
                _show_answer(name, predictions[name], labels, truth=truth)
    answers = {prediction["label"] for prediction in predictions.values()}
    if len(predictions) > 1:
        st.markdown("All agree." if len(answers) == 1 else "**The networks disagree.**")


def _show_answer(name: str, prediction: Mapping[str, Any], labels: Sequence[str], *, truth: int | None) -> None:
    label = prediction["label"]
    marks = [] if truth is None else ["correct" if label == labels[truth] else "incorrect"]
    marks += ["low confidence"] if prediction["uncertain"] else []
    remark = f" ({', '.join(marks)})" if marks else ""
    st.markdown(f"{name}: **{label.replace('_', ' ')}** {format_percent(prediction['probability'])}{remark}")
    scores = np.array([prediction["probabilities"][each] for each in labels])
    show_probabilities(scores, labels, truth=truth)
