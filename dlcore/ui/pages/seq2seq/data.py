"""Data panel of the sequence-to-sequence page: tasks, splits, and teacher forcing."""

import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.custom import registry as custom_registry
from dlcore.data.sources import locate as sources
from dlcore.data.text import sequences
from dlcore.data.text.sequences import FORMS, SequenceSplits, SplitSizes, Task
from dlcore.projects.language import seq2seq
from dlcore.runs import Run
from dlcore.ui.custom_data.picker import choose_dataset
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.style import summary_row

if TYPE_CHECKING:
    from dlcore.projects.project import Project
    from dlcore.projects.run_config import RunConfig

ROWS = 10
WORDS = {
    "dates_in_words": "Dates from 1 January 1900 to 31 December 2099, each in one of eight formats. The network "
    "outputs the ISO date. In purely numeric dates, the day precedes the month.",
    "reversing": "Random lowercase letters. The network outputs them in reverse.",
    "sorting": "Random digits. The network outputs them in sorted order.",
}
DISJOINT = {
    "dates_in_words": "The splits share no **day**: a test day appears in no format in training.",
    "reversing": "The splits share no **item**: validation and test items are not in training.",
    "sorting": "The splits share no **item**: validation and test items are not in training. Two items may have "
    "the same target, since they may differ only in order.",
}


def data(project: "Project", run: Run | None) -> None:
    """Draw the form to add pairs, and the task of the run or the selected dataset, its splits, and teacher forcing."""
    config = choose_dataset(project, run, "pairs")
    if custom_registry.is_custom(config.dataset):
        _custom_dataset(config)
    else:
        _synthetic_task(config)


def _custom_dataset(config: "RunConfig") -> None:
    """Draw a custom dataset with its splits."""
    options = config.data_as(seq2seq.Seq2SeqData)
    pairs = custom_pairs.load(config.dataset, checksum=config.data_checksum)
    sizes = SplitSizes(options.train_rows, options.validation_rows, seq2seq.TEST_ROWS, options.longest, 0)
    parts = custom_pairs.split_pairs(pairs, sizes, seed=config.seed)
    st.markdown(f"**{custom_registry.plain_name(config.dataset)}**: {len(pairs):,} pairs.")
    rows = [("Training", f"{len(parts.train):,}", "pairs")]
    rows += [("Validation", f"{len(parts.validation):,}", "selects the best epoch")]
    rows += [("Test", f"{len(parts.test):,}", "the same for every run")]
    summary_row(rows)
    st.caption("The splits share no **source**; duplicate sources were dropped.")
    _items(parts)
    _forcing(parts)


def _synthetic_task(config: "RunConfig") -> None:
    """Draw one of the built-in synthetic tasks."""
    options = config.data_as(seq2seq.Seq2SeqData)
    source = sources.get_dataset(config.dataset)
    st.markdown(f"**{source.title}.** {WORDS[config.dataset]}")
    st.caption(
        "Synthetic: generated from a seed. A short program solves it; the point is "
        "how a network learns it from examples."
    )
    parts = _examples(config.dataset, options.longest, config.seed)
    rows = [("Training", f"{options.train_rows:,}", "items, generated from the run's seed")]
    rows += [("Validation", f"{options.validation_rows:,}", "selects the best epoch")]
    rows += [("Test", f"{seq2seq.TEST_ROWS:,}", "the same for every run")]
    if len(parts.longer):
        more = f"items of {options.longest + 1} to {2 * options.longest} symbols"
        rows += [("Longer than training", f"{seq2seq.EACH * options.longest:,}", more)]
    summary_row(rows)
    st.caption(DISJOINT[config.dataset])
    _items(parts)
    _forcing(parts)


@cache_resource(max_entries=6, show_spinner=False)
def _examples(dataset: str, longest: int, seed: int) -> SequenceSplits:
    """Return a few items of each split, generated as the run's are."""
    return sequences.make_splits(cast(Task, dataset), SplitSizes(50, 50, 200, longest, 1), seed=seed)


def _items(parts: SequenceSplits) -> None:
    st.subheader("Examples", anchor=False)
    train, dated = parts.train, parts.train.sources[0] in _every_form(parts.train.targets[0])
    rows = [int(np.flatnonzero(train.kinds == kind)[0]) for kind in np.unique(train.kinds)] if dated else range(ROWS)
    table = {"Source": [train.sources[row] for row in rows], "Target": [train.targets[row] for row in rows]}
    if dated:
        table["Form"] = [FORMS[int(train.kinds[row])] for row in rows]
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch", alt=f"Items; the first is {table['Source'][0]}")


def _every_form(day: str) -> list[str]:
    """Return a day in every format; empty if it is no ISO date."""
    try:
        return [sequences.format_date(datetime.date.fromisoformat(day), form) for form in range(len(FORMS))]
    except ValueError:
        return []


def _forcing(parts: SequenceSplits) -> None:
    st.subheader("Teacher forcing", anchor=False)
    st.markdown(
        "In training, the decoder input is the true output so far, at every position, and the target is the "
        "next symbol: the network does not see its own errors. All positions are trained at once: a mask hides later "
        "symbols. In inference, the decoder input is the network's output. **Results** shows both."
    )
    target = parts.train.targets[0]
    positions = [str(position) for position in range(1, len(target) + 2)]
    table = pd.DataFrame(
        [["start", *target], [*target, "end"]], columns=positions, index=["decoder input", "target"]
    ).rename_axis("position")
    st.caption(f"One item: “{as_text(parts.train.sources[0])}”.")
    st.dataframe(table, width="stretch", alt=f"Decoder input and target at each position of {target}")
