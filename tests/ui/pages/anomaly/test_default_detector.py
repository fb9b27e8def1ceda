"""The reason for the default detector's settings, as the Data and Results panels show it."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dlcore.data.custom.series import IMPORTER, preview_series
from dlcore.data.series.columns import Columns
from dlcore.data.series.series import Series

pytestmark = pytest.mark.usefixtures("home")


def script(settings, only_if_used):
    from dlcore import projects
    from dlcore.ui.pages.anomaly.data import show_default_detector

    config = projects.configure("anomaly", dataset="mine", preset="quick", settings=settings)
    show_default_detector(config, only_if_used=only_if_used)


@pytest.mark.parametrize(("settings", "count"), [({}, 1), ({"window": 16}, 0)])
def test_reason_is_shown_beside_a_run_that_uses_the_settings(settings, count):
    times = 1_600_000_000_000 + np.arange(600, dtype=np.int64) * 3_600_000
    values = np.random.default_rng(0).normal(size=600)
    IMPORTER.save("mine", preview_series(Series(times, values), Columns("t", "v")))
    texts = [
        element.value
        for element in AppTest.from_function(script, args=(settings, True), default_timeout=60).run().caption
    ]
    assert len(texts) == count
    data_panel = AppTest.from_function(script, args=(settings, False), default_timeout=60).run().caption
    assert "no period" in data_panel[0].value and data_panel[0].value.startswith("**Default detector**")
