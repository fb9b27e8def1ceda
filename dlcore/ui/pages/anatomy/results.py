"""Data and Results panels of the anatomy page: images as rows of 1,000 numbers, and detected anomalies."""

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.core.markdown import as_text
from dlcore.data.sources import locate as sources
from dlcore.plots import classification as plots
from dlcore.projects.foundations import anatomy
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.runs.views.threshold import error_view
from dlcore.ui.compare import comparison
from dlcore.ui.components.threshold.component import show_threshold
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

_IMAGES_PER_CLASS = 3


def data(project: Project, run: Run | None) -> None:
    """Draw the images as the network reads them, and the class excluded from training."""
    config = run.config if run is not None else projects.configure(project.slug)
    if not sources.is_available(config.dataset):
        download_offer.offer_download(config.dataset)
        config = projects.configure(project.slug)
    source = sources.get_dataset(config.dataset)
    excluded = config.data_as(anatomy.AnatomyData).left_out
    images = samples.load_images(config.dataset)
    height, width = images.pixels.shape[1:3]
    st.markdown(f"**{source.title}**: {source.rows:,} images. [Source]({source.homepage}), license: {source.license}.")
    st.markdown(
        f"Each image of {height} x {width} pixels is resized to {anatomy.HEIGHT} x {anatomy.WIDTH}, which gives "
        f"exactly **1,000 numbers** from 0 to 1. **“{images.names[excluded]}” is excluded from training** "
        "and validation and appears in the test split only: these are the anomalies."
    )
    for classes, title in (
        ([excluded], "Anomalies"),
        ([k for k in range(len(images.names)) if k != excluded], "Training classes"),
    ):
        st.subheader(title, anchor=False)
        count = 7 if len(classes) == 1 else _IMAGES_PER_CLASS
        rows = np.concatenate([np.flatnonzero(images.labels == k)[:count] for k in classes])
        resized = anatomy.rows(images.pixels[rows]).numpy().reshape(-1, anatomy.HEIGHT, anatomy.WIDTH)
        samples.show_images(
            list(resized), [images.names[k] for k in images.labels[rows]], alt="An image of 1,000 numbers"
        )


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or compare several."""
    comparison.results(project, run, run_panel=_show_run)


def _show_run(project: Project, run: Run | None) -> None:
    """Draw the comparison, decision threshold, error by class and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="detected anomalies")
    if bundle is None or run is None:
        return
    evaluation = run_cache.evaluation(bundle)
    st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'roc_auc')}")
    n = len(run_cache.predictions(bundle)["test_scores"])
    score_table(evaluation, title=project.models[run.record.model].title, n=n, unit="images")
    st.caption(
        f"Loss is the mean squared error on known images: {evaluation.metrics['loss']:.4f} here, and "
        f"{evaluation.baselines['principal_components']['loss']:.4f} with as many principal components. On anomalies "
        f"it is {evaluation.metrics['error_strangers']:.4f} and "
        f"{evaluation.baselines['principal_components']['error_strangers']:.4f}: the difference between the two "
        "matters, not how well known images are reconstructed."
    )
    _threshold(bundle, evaluation.threshold or 0.0)
    _by_class(bundle, run)
    show_learning_curves(bundle, run.record, loss="Mean squared error over all 1,000 numbers (log scale).")


@fragment
def _threshold(bundle: Bundle, run_threshold: float) -> None:
    st.subheader("Decision threshold", anchor=False)
    view = error_view(run_cache.predictions(bundle), run_threshold)
    show_threshold(view, key=run_cache.bundle_key(bundle))


def _by_class(bundle: Bundle, run: Run) -> None:
    """Draw each class's mean error; the actual classes are read from the dataset if available."""
    if not sources.is_available(run.config.dataset):
        return
    stored, labels, excluded = run_cache.predictions(bundle), bundle.labels, int(run.config.flat["left_out"])
    classes = samples.load_images(run.config.dataset).test_labels[stored["test_ids"]]
    means = np.array([stored["test_scores"][classes == k].mean() for k in range(len(labels))])
    named = tuple(f"{name} (anomaly)" if k == excluded else name for k, name in enumerate(labels))
    figure = plots.class_bars(
        1000 * means, named, title="Mean error by class (test)", unit="squared error, thousandths", sort=True
    )
    worst = named[int(means.argmax())]
    show_figure(figure, key="error-by-class", alt=f"Mean error by class; the largest is {worst}")
    known = np.delete(means, excluded)
    st.caption(
        f"The error depends on the amount of detail: among known classes it ranges from {known.min():.4f} to "
        f"{known.max():.4f}. A plain anomaly can have a smaller error than a detailed known image."
    )
