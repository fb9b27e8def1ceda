"""Step-by-step panel of the anatomy page: any network as a table of layers and a graph of operations."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore import projects
from dlcore.core.errors import RequestError
from dlcore.core.markdown import error_line
from dlcore.inference.anatomy import Anatomy
from dlcore.projects.vision import networks
from dlcore.runs import Run
from dlcore.ui.components.graph.component import show_graph
from dlcore.ui.shell import style
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.shell.menu import title_of
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EXAMPLE = "1000-512-32-512-1000"
EXAMPLES = {
    "Autoencoder": EXAMPLE,
    "Digits, dense": "784-256-128-64-10",
    "Convolutions": "1x28x28-conv3x16-relu-pool2-conv3x32-relu-pool2-64-relu-10",
    "VGG's beginning": "3x224x224-conv3x64-conv3x64-pool2-conv3x128-conv3x128-pool2-4096-1000",
}
COLUMNS = ("Layer", "Kind", "Output", "Weights", "Biases", "Total", "Multiply-adds", "Output memory")
WRITE, CHOOSE = "Describe a network", "Choose a model"


def step_by_step(project: "Project", run: Run | None) -> None:
    """Draw a described or chosen network: table of layers, parameter count, graph."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        mode = choose("Network", [WRITE, CHOOSE], key="anatomy-how")
    try:
        anatomy = _of_text(_text_input()) if mode == WRITE else _of_model(*_select_model())
    except RequestError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    with main_picture():
        st.html(layer_table(anatomy))
    _facts(anatomy)
    _sum(anatomy)
    st.subheader(
        "Computational graph",
        anchor=False,
        help="Every operation of one forward pass, in execution order, with its output shape; N is the number of "
        "samples. Recorded while the network ran.",
    )
    if anatomy.has_operations:
        show_graph(anatomy, key="anatomy")
    else:
        st.info(
            "This network computes in NumPy, where operations cannot be recorded: its parameters are counted above, "
            "and its own page shows every intermediate number.",
            icon=":material/function:",
        )


def _text_input() -> str:
    st.session_state.setdefault("anatomy-text", st.query_params.get("network", EXAMPLE))
    st.pills("Examples", list(EXAMPLES), key="anatomy-example", on_change=_apply_example, label_visibility="collapsed")
    text = st.text_input(
        "Network",
        key="anatomy-text",
        max_chars=600,
        help="The input shape first, then layers. A number is a dense layer; conv3x16 a 3 x 3 convolution with 16 "
        "channels, conv3x16/2 with stride 2; pool2, flat, norm, drop0.5; relu, tanh, sigmoid, gelu, softmax, none. "
        "Without a named activation, ReLU follows every layer but the last; a chain that ends as wide as it began "
        "is an autoencoder with a linear bottleneck and a sigmoid output.",
    )
    st.query_params["network"] = text
    return text


def _apply_example() -> None:
    example = st.session_state.get("anatomy-example")
    if example in EXAMPLES:
        st.session_state["anatomy-text"] = EXAMPLES[example]


def _select_model() -> tuple[str, str]:
    names = {
        f"{project.slug}/{model}": entry
        for project in projects.list_projects()
        for model, entry in project.models.items()
    }
    default = st.query_params.get("of", "")
    selected = st.selectbox(
        "Model",
        list(names),
        key="anatomy-model",
        index=list(names).index(default) if default in names else 0,
        format_func=lambda name: f"{title_of(name.partition('/')[0])}: {names[name].title}",
        help="Built with default settings for its page's data.",
    )
    st.query_params["of"] = selected
    slug, _, model = selected.partition("/")
    st.caption(names[selected].summary)
    return slug, model


@cache_resource(max_entries=32, show_spinner=False)
def _of_text(text: str) -> Anatomy:
    return networks.analyze_text(text)


@cache_resource(max_entries=32, show_spinner="Analyzing the network")
def _of_model(slug: str, model: str) -> Anatomy:
    return networks.analyze_model(slug, model)


def _facts(anatomy: Anatomy) -> None:
    weights = sum(layer.weights for layer in anatomy.layers)
    activation_bytes = sum(layer.output_bytes for layer in anatomy.layers)
    style.summary_row(
        [
            ("Parameters", f"{anatomy.parameters:,}", f"{weights:,} weights, {anatomy.parameters - weights:,} biases"),
            ("Parameter memory", size(4 * anatomy.parameters), "at 4 bytes each"),
            (
                "Multiply-adds",
                short(anatomy.multiply_adds) if anatomy.has_operations else "not counted",
                "for one sample",
            ),
            ("Activation memory", size(activation_bytes), "per sample"),
        ]
    )


def _sum(anatomy: Anatomy) -> None:
    """Draw the parameter count as a sum over layers, and a dense layer's count as a formula."""
    sizes = [layer for layer in anatomy.layers if layer.total]
    if 1 < len(sizes) <= 12:
        summands = " + ".join(f"{layer.total:,}" for layer in sizes)
        st.markdown(f"**{summands} = {anatomy.parameters:,}**")
    dense = next((layer for layer in sizes if layer.kind == "Linear" and layer.biases), None)
    if dense is not None:
        inner, outer = dense.weights // dense.biases, dense.biases
        st.latex(
            rf"\underbrace{{{_tex(inner)} \times {_tex(outer)}}}_{{\text{{weights}}}} + "
            rf"\underbrace{{{_tex(outer)}}}_{{\text{{biases}}}} = {_tex(dense.total)}"
        )
        st.caption(
            f"Dense layer: {outer:,} × {inner:,} weights, {outer:,} biases.",
            help="A dense layer is y = W x + b: one weight per output and input, and one bias per output.",
        )


def _tex(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")


def layer_table(anatomy: Anatomy) -> str:
    """Return the layers and their sum as an HTML table, which needs no script to be drawn."""
    rows = [
        (
            layer.name or "(itself)",
            layer.kind,
            shape(layer.shape),
            *(f"{count:,}" for count in (layer.weights, layer.biases, layer.total, layer.multiply_adds)),
            size(layer.output_bytes),
        )
        for layer in anatomy.layers
    ]
    weights = sum(layer.weights for layer in anatomy.layers)
    sums = (weights, anatomy.parameters - weights, anatomy.parameters, anatomy.multiply_adds)
    total = ("All", "", "", *(f"{count:,}" for count in sums), size(sum(x.output_bytes for x in anatomy.layers)))
    return style.table(COLUMNS, [*rows, total], numbers_from=3, label="Layers of the network")


def shape(sizes: tuple[int | None, ...]) -> str:
    """Format a shape, with N for the batch."""
    return " × ".join("N" if length is None else f"{length:,}" for length in sizes) or "-"


def size(count: int) -> str:
    """Format a number of bytes."""
    for unit, step in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= step:
            return f"{count / step:,.1f} {unit}"
    return f"{count} B"


def short(count: int) -> str:
    """Format a large number in millions or billions."""
    for unit, step in ((" billion", 10**9), (" million", 10**6)):
        if count >= step:
            return f"{count / step:,.2f}{unit}"
    return f"{count:,}"
