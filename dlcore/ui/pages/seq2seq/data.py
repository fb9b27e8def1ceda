"""Data of the page on sequence to sequence: what is read, what is to be written, and how the parts are kept apart."""

import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.core.config import parse
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.custom import registry as custom
from dlcore.data.sources import locate as sources
from dlcore.data.text import sequences
from dlcore.data.text.sequences import FORMS, SequenceSplits, SplitSizes, Task
from dlcore.projects.language import seq2seq
from dlcore.runs import Run
from dlcore.ui.custom_data import form
from dlcore.ui.shell.style import summary_row

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

SHOWN = 10
WORDS = {
    "dates_in_words": "Days from 1 January 1900 to 31 December 2099, each written in one of eight ways. The network is "
    "to write the ISO date. Where a date is in numbers alone, the day comes before the month.",
    "reversing": "Small letters, drawn by chance. The network is to write them backwards.",
    "sorting": "Digits, drawn by chance. The network is to write them in order, each as often as it came.",
}
APART = {
    "dates_in_words": "The parts share no **day**: a day of the test part comes in no form in training.",
    "reversing": "The parts share no **item**: one that is in test or validation is not in training.",
    "sorting": "The parts share no **item**: one that is in test or validation is not in training. Two items may ask "
    "for the same answer, since order is all they differ in.",
}


def data(project: "Project", run: Run | None) -> None:
    """The task of the run, its parts, and teacher forcing shown on one item."""
    config = run.config if run is not None else projects.configure(project.slug)
    if custom.is_custom(config.dataset):
        _own(config)
    else:
        _made(config)
    st.divider()
    form.show_form("pairs")
    form.show_saved("pairs")


def _own(config: "RunConfig") -> None:
    """A file of one's own, as the run cuts it."""
    options = parse(seq2seq.Seq2SeqData, config.data_options)
    pairs = custom_pairs.load(config.dataset, checksum=config.data_checksum)
    sizes = SplitSizes(options.train_rows, options.validation_rows, seq2seq.TEST_ROWS, options.longest, 0)
    parts = custom_pairs.split_pairs(pairs, sizes, seed=config.seed)
    st.markdown(f"**{custom.plain_name(config.dataset)}**: {len(pairs):,} pairs of your own.")
    rows = [("To learn from", f"{len(parts.train):,}", "pairs")]
    rows += [("To validate on", f"{len(parts.validation):,}", "pick the best epoch")]
    rows += [("To test on", f"{len(parts.test):,}", "the same for every run")]
    summary_row(rows)
    st.caption("The parts share no **source**; a source that came twice in the file was taken once.")
    _items(parts)
    _forcing(parts)


def _made(config: "RunConfig") -> None:
    """One of the tasks that are made here."""
    options = parse(seq2seq.Seq2SeqData, config.data_options)
    source = sources.get_dataset(config.dataset)
    st.markdown(f"**{source.title}.** {WORDS[config.dataset]}")
    st.caption(
        "Synthetic: made here from a seed, no text from the world. A short program solves it; what is to be seen is "
        "how a network comes to do it from examples alone."
    )
    parts = _examples(config.dataset, options.longest, config.seed)
    rows = [("To learn from", f"{options.train_rows:,}", "items, drawn from the run's seed")]
    rows += [("To validate on", f"{options.validation_rows:,}", "pick the best epoch")]
    rows += [("To test on", f"{seq2seq.TEST_ROWS:,}", "the same for every run")]
    if len(parts.longer):
        more = f"items of {options.longest + 1} to {2 * options.longest} symbols"
        rows += [("Longer than learnt", f"{seq2seq.EACH * options.longest:,}", more)]
    summary_row(rows)
    st.caption(APART[config.dataset])
    _items(parts)
    _forcing(parts)


@st.cache_resource(max_entries=6, show_spinner=False)
def _examples(dataset: str, longest: int, seed: int) -> SequenceSplits:
    """A few items of each part, made as the run's are."""
    return sequences.make_splits(cast(Task, dataset), SplitSizes(50, 50, 200, longest, 1), seed=seed)


def _items(parts: SequenceSplits) -> None:
    st.subheader("Some items", anchor=False)
    train, dated = parts.train, parts.train.sources[0] in _every_form(parts.train.targets[0])
    rows = [int(np.flatnonzero(train.kinds == kind)[0]) for kind in np.unique(train.kinds)] if dated else range(SHOWN)
    table = {"Read": [train.sources[row] for row in rows], "To be written": [train.targets[row] for row in rows]}
    if dated:
        table["Form"] = [FORMS[int(train.kinds[row])] for row in rows]
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch", alt=f"Items; the first is {table['Read'][0]}")


def _every_form(day: str) -> list[str]:
    """A day in every form it is written in; nothing where it is no ISO date."""
    try:
        return [sequences.format_date(datetime.date.fromisoformat(day), form) for form in range(len(FORMS))]
    except ValueError:
        return []


def _forcing(parts: SequenceSplits) -> None:
    st.subheader("Teacher forcing", anchor=False)
    st.markdown(
        "While it learns, the network is not made to live with its own mistakes: at every place it is **given** the "
        "true answer up to there, and asked for the next symbol. All places are asked at once, since a mask hides what "
        "comes after. In use nobody knows the answer: it is given what **it** wrote. Results shows both."
    )
    answer = parts.train.targets[0]
    places = [str(place) for place in range(1, len(answer) + 2)]
    table = pd.DataFrame(
        [["start", *answer], [*answer, "end"]], columns=places, index=["given", "asked for"]
    ).rename_axis("place")
    st.caption(f"One item: “{parts.train.sources[0]}”.")
    st.dataframe(table, width="stretch", alt=f"Given and asked for at each place of {answer}")
