"""Panel Predict of a comparison page: one input, answered by several networks or by one run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.errors import DataError
from dlcore.core.markdown import error_line
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run, comparisons, lessons, open_run
from dlcore.runs.comparisons import Comparison
from dlcore.ui.modalities.gallery import predict as predict_one
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.train.comparison_form import ADDRESS
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities

COMPARE, RUN = "Compare", "Run"
SAMPLE, CUSTOM = "Test sample", "Your image"
PER_ROW, MAX_NETWORKS = 3, 6


def predict(project: Project, run: Run | None) -> dict[str, Any] | None:
    """Answer an image with the networks of a comparison, or with the opened run."""
    compared = lessons.list_comparisons(project)
    by_id = {key: networks for key, each in compared.items() if len(networks := _open(each)) > 1}
    view = st.segmented_control(
        "Networks",
        [COMPARE, RUN] if by_id else [RUN],
        default=COMPARE if by_id else RUN,
        required=True,
        key="networks",
        bind="query-params",
        label_visibility="collapsed",
    )
    if view == RUN or not by_id:
        return predict_one(project, run)
    networks = _choose(project, compared, by_id)
    choice = st.segmented_control(
        "Image",
        [SAMPLE, CUSTOM],
        default=SAMPLE,
        required=True,
        key="compared-input",
        bind="query-params",
        label_visibility="collapsed",
    )
    if choice == SAMPLE:
        _answer_sample(project, networks)
    else:
        _answer_upload(project, networks)
    return None


def _open(comparison: Comparison) -> dict[str, Bundle]:
    """Return the first finished run with weights of each variant, at most `MAX_NETWORKS`."""
    networks = {}
    for variant, records in comparison.variants.items():
        bundles = [bundle for record in records if (bundle := open_run(record.run_id).bundle) is not None]
        usable = [bundle for bundle in bundles if bundle.has_weights]
        if usable:
            networks[variant] = usable[0]
    return dict(list(networks.items())[:MAX_NETWORKS])


def _choose(
    project: Project, compared: Mapping[str, Comparison], by_id: Mapping[str, dict[str, Bundle]]
) -> dict[str, Bundle]:
    titles = {key: compared[key].title for key in by_id}
    requested = st.query_params.get(ADDRESS, comparisons.REFERENCE)
    key = st.selectbox(
        "Networks of",
        list(titles),
        index=list(titles).index(requested) if requested in titles else 0,
        key=f"answers-{project.slug}-{requested}-{len(titles)}",
        format_func=titles.__getitem__,
        help="The first seed of each variant that is stored with its weights.",
    )
    return {_title(project, name, bundle): bundle for name, bundle in by_id[key].items()}


def _title(project: Project, name: str, bundle: Bundle) -> str:
    """Return the label of a variant, the model's title in place of its name."""
    return project.models[bundle.config.model].title if name == bundle.config.model else name


def _answer_sample(project: Project, networks: Mapping[str, Bundle]) -> None:
    first = next(iter(networks.values()))
    stored, labels = run_cache.predictions(first), first.labels
    row = load_modality(project).pick_sample(project, first.config.dataset, stored["test_ids"], key="compared-sample")
    sample, truth = int(stored["test_ids"][row]), int(stored["test_targets"][row])
    image, answers = st.columns([1, 3], gap="large")
    with image:
        load_modality(project).show(first.config, [sample], [labels[truth].replace("_", " ")], large=True)
    with answers:
        predictions = {}
        for name, bundle in networks.items():
            rows = np.flatnonzero(run_cache.predictions(bundle)["test_ids"] == sample)
            if bundle.config.dataset == first.config.dataset and len(rows):
                predictions[name] = run_cache.stored_prediction(bundle, int(rows[0]))
        show_answers(predictions, labels, truth=truth)


def _answer_upload(project: Project, networks: Mapping[str, Bundle]) -> None:
    file = st.file_uploader("Your image", key="compared-picture", max_upload_size=project.input_limit // 2**20)
    if file is None:
        st.info("Choose an image, or switch to a test sample above.", icon=":material/upload_file:")
        return
    try:
        predictions = {name: answer(project, bundle, file.getvalue()) for name, bundle in networks.items()}
    except DataError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    image, answers = st.columns([1, 3], gap="large")
    with image:
        pixels = [np.array(prediction["pixels"], dtype=np.uint8) for prediction in predictions.values()]
        samples.show_images([max(pixels, key=len)], ["model input"], alt="Your image", width=224)
    with answers:
        show_answers(predictions, next(iter(networks.values())).labels)


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
