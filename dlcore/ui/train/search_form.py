"""The form that starts a search over settings: one model, what to turn and how far, how many trials."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.config import Field
from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import locate as sources
from dlcore.projects import search_space as turning
from dlcore.runs.search import searches
from dlcore.ui.shell import download_offer
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import forms

if TYPE_CHECKING:
    from dlcore.projects.project import Project, RunConfig

ADDRESS = "search"
"""The name in the page's address that leads to a search."""
MOST_EPOCHS = 10_000


def show(project: "Project") -> None:
    """Draw the form; what it starts is opened beside it."""
    from dlcore import projects

    slug, key = project.slug, f"search-{project.slug}"
    st.subheader("New search", anchor=False)
    model = st.selectbox(
        "Model", list(project.models), key=f"{key}-model", format_func=lambda name: project.models[name].title
    )
    dataset = st.selectbox("Dataset", projects.list_datasets(slug), key=f"{key}-dataset", format_func=dataset_title)
    here = dataset not in sources.DATASETS or sources.is_available(dataset)
    if not here:
        download_offer.offer_download(dataset)
    preset = st.segmented_control(
        "Starting from the preset",
        list(project.presets),
        default=next(iter(project.presets)),
        required=True,
        key=f"{key}-preset",
        format_func=str.capitalize,
        width="stretch",
    ) or next(iter(project.presets))
    base = projects.configure(slug, model=model, dataset=dataset, preset=preset)
    texts = _knobs(base, f"{key}-{model}-{dataset}-{preset}")
    left, right = st.columns(2)
    trials = left.number_input("Trials", 2, searches.MOST_TRIALS, 20, key=f"{key}-trials")
    epochs = right.number_input(
        "Epochs each", 1, MOST_EPOCHS, base.training.epochs, key=f"{key}-epochs-{model}-{preset}-{dataset}"
    )
    workers = st.number_input(
        "Trials at a time",
        1,
        searches.MOST_WORKERS,
        1,
        key=f"{key}-workers",
        help="On one processor two small ones are seldom quicker than one after the other; with several GPUs each "
        "takes one of its own.",
    )
    prune = st.toggle(
        "End hopeless trials early",
        value=True,
        key=f"{key}-prune",
        help="A trial that is worse than half of the others were after as many epochs is not trained to its end.",
    )
    if st.button(
        "Start the search",
        type="primary",
        icon=":material/travel_explore:",
        width="stretch",
        key=f"{key}-start",
        disabled=not (texts and here),
    ):
        try:
            wanted = projects.with_settings(base, {"epochs": int(epochs)})
            turned = turning.parse_parameters(texts, wanted)
            made = searches.create(wanted, turned, trials=int(trials), workers=int(workers), prune=prune)
            searches.start(made.search_id)
        except WorkbenchError as error:
            st.error(one_line(error), icon=":material/error:")
            return
        st.query_params[ADDRESS] = made.search_id
        st.rerun()


def _knobs(base: "RunConfig", key: str) -> list[str]:
    """Choose settings and their ranges; gives each as `knobs.read` takes it."""
    known, now = turning.fields(base.project, base.model), base.flat
    chosen = st.multiselect(
        "What to turn",
        list(known),
        default=turning.default_parameters(base),
        key=f"{key}-knobs",
        max_selections=8,
        format_func=lambda name: forms.setting_label(known[name]),
        help="The more settings, the more trials it takes to know them.",
    )
    return [_knob(known[name], turning.default_range(known[name], now[name]), key=f"{key}-{name}") for name in chosen]


def _knob(field: Field, usual: str, *, key: str) -> str:
    """The range or the choices of one setting."""
    name = forms.setting_label(field)
    if field.kind in ("choice", "bool"):
        options = usual.split(",")
        picked = st.multiselect(f"{name}: one of", options, default=options, key=f"{key}-choices")
        return f"{field.name}={','.join(picked) or ','}"
    low, high = (float(end) for end in usual.split(".."))
    left, right = st.columns(2)
    if field.kind == "int":
        ends: list[float] = [
            place.number_input(f"{name}, {word}", value=int(end), step=1, key=f"{key}-{word}")
            for place, word, end in ((left, "from", low), (right, "to", high))
        ]
    else:
        ends = [
            place.number_input(f"{name}, {word}", value=end, format="%g", key=f"{key}-{word}", step=end / 2 or 0.05)
            for place, word, end in ((left, "from", low), (right, "to", high))
        ]
    return f"{field.name}={ends[0]:.10g}..{ends[1]:.10g}"
