"""Data quality of a classifier's run on panel Data: suspected label errors, duplicates, hard samples, weak slices."""

from collections.abc import Mapping

import numpy as np
import streamlit as st

from dlcore.core import progress
from dlcore.core.markdown import as_text
from dlcore.data.splits import SPLITS
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Bundle, Run
from dlcore.runs.quality.inspection import DataQuality, inspect_run
from dlcore.ui.modalities import quality_decisions
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose

PER_PAGE, TEXT_PER_PAGE, TEXT = 6, 4, 300
"""Samples on a page, and characters shown of a text."""
SLICES = "Weak slices"
HELP = (
    "Finds samples that a cross-validated model contradicts with confidence (confident learning), copies across "
    "splits, samples that training never learned or forgot, and groups with low accuracy. Takes seconds to minutes."
)


def show_quality(project: Project, run: Run | None, config: RunConfig) -> None:
    """Offer the inspection of the run's data, and show its findings; nothing for other datasets and tasks."""
    if run is None or project.task.name != "classification" or config.dataset != run.config.dataset:
        return
    bundle = run.bundle
    if bundle is None or not samples.is_available(run.config) or not bundle.has_weights:
        return
    st.subheader("Data quality", anchor=False, help=HELP)
    _show(project, run, bundle)


@fragment
def _show(project: Project, run: Run, bundle: Bundle) -> None:
    key = f"quality-{run.run_id}"
    if not st.session_state.get(key):
        started = st.button("Find label errors", icon=":material/fact_check:", key=f"start-{key}")
        if not started:
            return
        st.session_state[key] = True
    quality = _inspect(bundle)
    st.markdown(_verdict(quality))
    views = _views(quality)
    view = choose("Samples", [*views, SLICES], key=f"view-{key}", in_url=False)
    if view == SLICES:
        _show_slices(quality)
        return
    _show_samples(quality, views[view], key=key, view=view)
    quality_decisions.show_decisions(project, run, quality, key=key)


def _inspect(bundle: Bundle) -> DataQuality:
    with st.spinner("Inspecting the data"):
        return _cached(run_cache.bundle_key(bundle), _bundle=bundle)


@cache_resource(max_entries=2, show_spinner=False)
def _cached(key: str, _bundle: Bundle) -> DataQuality:
    bar = st.progress(0.0)

    def show_progress(what: str, done: int, total: int) -> None:
        bar.progress(done / max(1, total), text=what)

    with progress.listening(show_progress):
        quality = inspect_run(_bundle)
    bar.empty()
    return quality


def _verdict(quality: DataQuality) -> str:
    count, total = len(quality.errors.suspects), len(quality.samples)
    leaks = f" {len(quality.leaks):,} test samples repeat a training sample." if len(quality.leaks) else ""
    return f"**{count:,} of {total:,} labels are suspected to be wrong** ({format_percent(count / total)}).{leaks}"


def _views(quality: DataQuality) -> Mapping[str, np.ndarray]:
    """Return the indices of each view that has samples, by its title."""
    views = {
        "Label errors": quality.errors.suspects,
        "Leaks": quality.leaks,
        "Duplicates": quality.repeats,
        "Never learned": quality.never_learned,
        "Forgotten": quality.forgotten,
        "Hardest": quality.hardest,
    }
    return {name: indices for name, indices in views.items() if len(indices)}


def _show_samples(quality: DataQuality, indices: np.ndarray, *, key: str, view: str) -> None:
    """Show a page of samples, each with its decision."""
    per_page = PER_PAGE if quality.samples.images is not None else TEXT_PER_PAGE
    pages = -(-len(indices) // per_page)
    page = 1
    if pages > 1:
        page = int(st.number_input(f"Page, 1 to {pages:,}", 1, pages, key=f"page-{key}-{view}"))
    page_indices = indices[(page - 1) * per_page : page * per_page]
    columns = st.columns(PER_PAGE if quality.samples.images is not None else 1)
    for number, index in enumerate(page_indices):
        with columns[number % len(columns)]:
            _show_sample(quality, int(index), key=key)
    st.caption(f"Probabilities: {quality.method}.")


def _show_sample(quality: DataQuality, index: int, *, key: str) -> None:
    row, run_samples = quality.describe_sample(index), quality.samples
    title = f"{row['part']} {row['row']:,}"
    with st.container(border=run_samples.images is None):
        if run_samples.images is not None:
            alt = f"{title}: labeled {row['label']}"
            st.image(samples.enlarge(np.asarray(run_samples.images[index]), side=112), width="stretch", alt=alt)
        else:
            st.text(row["text"][:TEXT] + (" …" if len(row["text"]) > TEXT else ""))
        note = f"labeled **{as_text(row['label'])}** {format_percent(row['probability_of_label'], digits=0)}"
        if row["suggested"] != row["label"]:
            suggested = format_percent(row["probability_of_suggested"], digits=0)
            note += f", suggested **{as_text(row['suggested'])}** {suggested}"
        repeats = int(quality.groups[index])
        if repeats != index:
            note += f", like {SPLITS[run_samples.parts[repeats]]} {run_samples.ids[repeats]:,}"
        st.caption(f"{title}: {note}")
        quality_decisions.choose_decision(quality, index, key=key)


def _show_slices(quality: DataQuality) -> None:
    """Show the accuracy of each slice of the test split with its interval."""
    st.dataframe(
        {
            "Test slice": [part.name for part in quality.slices],
            "Samples": [part.n for part in quality.slices],
            "Accuracy, %": [round(100 * part.accuracy, 1) for part in quality.slices],
            "95 % interval": [f"{100 * part.low:.1f} to {100 * part.high:.1f}" for part in quality.slices],
            "Finding": ["weak" if part.is_weak else "" for part in quality.slices],
        },
        hide_index=True,
        width="stretch",
    )
    st.caption("Weak: worse than all test samples, beyond noise (Bonferroni-corrected Wilson interval).")
