"""Explain: one sequence through the network, unrolled over time, and the gradient on its way back."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore.projects.foundations import rnn
from dlcore.projects.foundations.rnn_walk import UnrolledRun, unroll
from dlcore.runs import Bundle, Run
from dlcore.ui.components.mount import drawing_component, mount, pack
from dlcore.ui.modalities.predict import pick_sample
from dlcore.ui.widgets import run_cache, samples

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_UNROLLED = drawing_component("unrolled", styles=("shared/walk.css",))
WORDS = r"""
**Forward**, the same weights at every step: $h_t = \tanh(W x_t + U h_{t-1} + b)$, and the last state is read out.

**Backward**, step by step the other way round. With $e_t = \partial L / \partial h_t$ and
$d_t = e_t \odot (1 - h_t^2)$, the gradient before the tanh:

$$e_{t-1} = d_t\, U \qquad\qquad \frac{\partial L}{\partial U} = \sum_t d_t^\top h_{t-1},\quad
\frac{\partial L}{\partial W} = \sum_t d_t^\top x_t$$

So between the end and step $t$ lie $T - t$ multiplications with $U$ and with slopes below 1:

$$\frac{\partial L}{\partial h_t} = \frac{\partial L}{\partial h_T} \prod_{s=t+1}^{T}
\operatorname{diag}(1 - h_s^2)\, U$$

If they shrink it, the first steps are told nothing and are not learnt; if they stretch it, it explodes.

**An LSTM** keeps a cell beside its state: $c_t = f_t \odot c_{t-1} + i_t \odot g_t$. Backward,
$\partial c_t / \partial c_{t-1} = f_t$ (the gates' own paths aside): a gate that is open hands the gradient on nearly
as it is.
"""


def explain(project: "Project", run: Run | None) -> None:
    """Choose a sequence and go through its steps."""
    bundle = run_cache.finished_bundle(run, to_see="how a trained network reads a sequence")
    if bundle is None or run is None:
        return
    st.subheader("One sequence, step by step", anchor=False)
    row, found = _example(project, run, bundle)
    likeliest = int(found.probabilities.argmax())
    words = "right" if likeliest == found.target else f"wrong: it is “{bundle.labels[found.target]}”"
    st.markdown(
        f"At its end the network says **{bundle.labels[likeliest]}** ({found.probabilities[likeliest]:.1%}), which is "
        f"**{words}**. Loss {found.loss:.3g}. The gradient is {found.lengths[-1]:.2g} long at the last step and "
        f"{found.lengths[0]:.2g} at the first: a ratio of {_ratio(found)}."
    )
    mount(_UNROLLED, packed(found, f"{run_cache.bundle_key(bundle)}-{row}"), key=f"unrolled-{project.slug}")
    with st.expander("Why the gradient fades, and what an LSTM does about it", icon=":material/function:"):
        st.markdown(WORDS)


def _ratio(unrolled_run: UnrolledRun) -> str:
    last = float(unrolled_run.lengths[-1])
    return f"{float(unrolled_run.lengths[0]) / last:.1e}" if last else "no gradient at all"


def _example(project: "Project", run: Run, bundle: Bundle) -> tuple[int, UnrolledRun]:
    stored, dataset = run_cache.predictions(bundle), run.config.dataset
    if dataset == rnn.MEMORY:
        row = int(
            st.number_input(f"Test sequence, 0 to {rnn.TEST_ROWS - 1:,}", 0, rnn.TEST_ROWS - 1, 0, key="sequence")
        )
        return row, _unroll(run_cache.bundle_key(bundle), row, _run=run, _bundle=bundle)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        row = int(stored["test_ids"][pick_sample(project, dataset, stored["test_ids"], key="sequence")])
    with right:
        samples.show_images(
            [samples.load_images(dataset).test_pixels[row]], ["read from top to bottom"], alt="The digit", width=112
        )
    return row, _unroll(run_cache.bundle_key(bundle), row, _run=run, _bundle=bundle)


@st.cache_resource(max_entries=16, show_spinner=False)
def _unroll(key: str, row: int, _run: Run, _bundle: Bundle) -> UnrolledRun:
    config = _run.config
    x, target = rnn.example(config.dataset, int(config.flat["gap"]), row, _bundle.preprocessing)
    return unroll(run_cache.load_model(_bundle).module, x, target)


def packed(unrolled_run: UnrolledRun, version: str) -> dict[str, Any]:
    """An unrolled sequence on its way to the browser."""
    return {
        "version": version,
        "error": unrolled_run.error,
        "x": pack(unrolled_run.x),
        "states": pack(unrolled_run.states),
        "byStep": pack(unrolled_run.by_step, dtype="float64"),
        **{name: pack(array) for name, array in unrolled_run.weights.items()},
    }
