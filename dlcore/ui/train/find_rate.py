"""The learning-rate range test in the form of a new run: a button, its curve, and the suggestion as a setting."""

from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.plots.rates import loss_by_rate
from dlcore.runs import rate_tests
from dlcore.runs.rate_tests import RateTest
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.run_config import RunConfig

_HELP = "At most 100 steps with a rising rate, on the data and network of this form. No run is changed."


def show(config: "RunConfig", *, key: str, rate_key: str) -> None:
    """Render the test of a config; its suggestion goes into the widget with the key `rate_key`."""
    with st.expander("Find the learning rate", icon=":material/speed:"):
        test = rate_tests.find(config)
        is_active = test is not None and test.is_active
        if st.button(
            "Start range test",
            icon=":material/play_arrow:",
            key=f"find-rate-{key}",
            help=_HELP,
            disabled=is_active,
            width="stretch",
        ):
            try:
                test = rate_tests.start(config)
                st.rerun()
            except WorkbenchError as error:
                st.error(error_line(error))
        fragment(_follow, run_every=1.0 if is_active else None)(config, is_active, key, rate_key)


def _follow(config: "RunConfig", was_active: bool, key: str, rate_key: str) -> None:
    test = rate_tests.find(config)
    if test is None:
        return
    if was_active and not test.is_active:
        st.rerun()
    if test.is_active:
        st.caption("Waiting for the device." if test.state == "queued" else "Training at most 100 steps.")
    elif test.state == "finished" and test.result:
        _result(test, key, rate_key)
    else:
        st.error(as_text(test.reason or "The test ended: start it again."))


def _result(test: RateTest, key: str, rate_key: str) -> None:
    result = test.result
    suggestion = float(result["suggestion"])
    figure = loss_by_rate(result["rates"], result["losses"], result["smoothed"], suggestion=suggestion)
    show_figure(figure, key=f"rate-curve-{key}", alt=f"Loss by learning rate; suggested {suggestion:.2g}")
    st.button(
        f"Use {suggestion:.2g}",
        key=f"use-rate-{key}",
        icon=":material/check:",
        width="stretch",
        on_click=lambda: st.session_state.update({rate_key: float(f"{suggestion:.2g}")}),
    )
