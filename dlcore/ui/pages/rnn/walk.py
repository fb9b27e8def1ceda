"""Explain panel of the RNN page: one sequence, unrolled over time, forward and backward."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import svg
from dlcore.projects.foundations import rnn
from dlcore.projects.foundations.rnn_walk import UnrolledRun, unroll
from dlcore.runs import Bundle, Run
from dlcore.ui.components.mount import drawing_component, mount, pack
from dlcore.ui.modalities.image import pick_sample
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache, samples

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_UNROLLED = drawing_component("unrolled", styles=("shared/walk.css",))
FRAME_HEIGHT, FRAME_TOP = 120, 270
"""Pixels: height of the hidden states, and their distance from the top of the component."""
THEORY = r"""
**Forward**, with the same weights at every step: $h_t = \tanh(W x_t + U h_{t-1} + b)$. The last state is the
output.

**Backward**, from the last step to the first. With $e_t = \partial L / \partial h_t$ and
$d_t = e_t \odot (1 - h_t^2)$, the gradient before the tanh:

$$e_{t-1} = d_t\, U \qquad\qquad \frac{\partial L}{\partial U} = \sum_t d_t^\top h_{t-1},\quad
\frac{\partial L}{\partial W} = \sum_t d_t^\top x_t$$

The gradient at step $t$ is the result of $T - t$ multiplications by $U$ and by slopes below 1:

$$\frac{\partial L}{\partial h_t} = \frac{\partial L}{\partial h_T} \prod_{s=t+1}^{T}
\operatorname{diag}(1 - h_s^2)\, U$$

If they shrink it, it vanishes and the first steps are not learned; if they amplify it, it explodes.

**An LSTM** has a cell state besides its hidden state: $c_t = f_t \odot c_{t-1} + i_t \odot g_t$. Backward,
$\partial c_t / \partial c_{t-1} = f_t$ (ignoring the paths through the gates): an open gate passes the gradient on
almost unchanged.
"""


def explain(project: "Project", run: Run | None) -> None:
    """Draw the sequence selector and the step-by-step view of the sequence."""
    bundle = run_cache.finished_bundle(run, to_see="a sequence step by step")
    if bundle is None or run is None:
        return
    verdict, chart, pickers = st.container(), st.container(), st.container()
    with pickers:
        row, unrolled = _example(project, run, bundle)
    predicted = int(unrolled.probabilities.argmax())
    probability = format_percent(unrolled.probabilities[predicted])
    verdict.markdown(
        f"Predicted: **{as_text(bundle.labels[predicted])}** ({probability}), actual: "
        f"**{as_text(bundle.labels[unrolled.target])}**. Gradient norm from last to first step: {_ratio(unrolled)}."
    )
    first = svg.cells(unrolled.states.T, width="100%", height=FRAME_HEIGHT)
    with chart, main_picture(first, alt="Hidden state over time", height=FRAME_HEIGHT, top=FRAME_TOP):
        mount(_UNROLLED, packed(unrolled, f"{run_cache.bundle_key(bundle)}-{row}"), key=f"unrolled-{project.slug}")
    with st.expander("Why the gradient vanishes, and how an LSTM prevents it", icon=":material/function:"):
        st.markdown(THEORY)


def _ratio(unrolled: UnrolledRun) -> str:
    last = float(unrolled.lengths[-1])
    return f"× {float(unrolled.lengths[0]) / last:.2g}" if last else "undefined (no gradient)"


def _example(project: "Project", run: Run, bundle: Bundle) -> tuple[int, UnrolledRun]:
    stored, dataset = run_cache.predictions(bundle), run.config.dataset
    if dataset == rnn.MEMORY:
        row = int(
            st.number_input(
                f"Test sequence, 0 to {rnn.TEST_ROWS - 1:,}",
                0,
                rnn.TEST_ROWS - 1,
                0,
                key="sequence",
                bind="query-params",
            )
        )
        return row, _unroll(run_cache.bundle_key(bundle), row, _run=run, _bundle=bundle)
    left, right = st.columns([4, 1], vertical_alignment="bottom")
    with left:
        scores = stored["test_scores"]
        sample = pick_sample(project, dataset, stored["test_ids"], key="sequence", scores=scores)
        row = int(stored["test_ids"][sample])
    with right:
        samples.show_images(
            [samples.get_test_image(run.config, row)],
            ["input, read from top to bottom"],
            alt="The digit",
            width=112,
        )
    return row, _unroll(run_cache.bundle_key(bundle), row, _run=run, _bundle=bundle)


@cache_resource(max_entries=16, show_spinner=False)
def _unroll(key: str, row: int, _run: Run, _bundle: Bundle) -> UnrolledRun:
    config = _run.config
    x, target = rnn.example(config.dataset, int(config.flat["gap"]), row, _bundle.preprocessing)
    return unroll(run_cache.load_model(_bundle).module, x, target)


def packed(unrolled: UnrolledRun, version: str) -> dict[str, Any]:
    """Pack an unrolled sequence for the browser."""
    return {
        "version": version,
        "error": unrolled.error,
        "x": pack(unrolled.x),
        "states": pack(unrolled.states),
        "byStep": pack(unrolled.by_step, dtype="float64"),
        **{name: pack(array) for name, array in unrolled.weights.items()},
    }
