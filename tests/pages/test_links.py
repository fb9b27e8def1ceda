"""Links restore the view: every control that selects what is on the screen is in the URL."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core.settings import ROOT
from dlcore.ui.compare.comparison import COMPARE
from dlcore.ui.shell.menu import find_pages

STATES = [
    ("architectures", {"panel": "results", "view": "Run"}, "segmented_control", "view", "Run"),
    (
        "architectures",
        {"panel": "predict", "compared-input": "Your image"},
        "segmented_control",
        "compared-input",
        "Your image",
    ),
    ("anomaly", {"panel": "results", "view": COMPARE}, "segmented_control", "view", COMPARE),
    ("forecast", {"panel": "results", "view": COMPARE}, "segmented_control", "view", COMPARE),
    ("rnn", {"panel": "results", "view": COMPARE}, "segmented_control", "view", COMPARE),
    ("seq2seq", {"panel": "results", "view": COMPARE}, "segmented_control", "view", COMPARE),
    (
        "fashion",
        {"panel": "results", "browse-answers-fashion": "Incorrect"},
        "segmented_control",
        "browse-answers-fashion",
        "Incorrect",
    ),
    (
        "vit",
        {"panel": "explain", "vit-view": "Pixel attributions"},
        "segmented_control",
        "vit-view",
        "Pixel attributions",
    ),
    ("gradients", {"panel": "predict", "gradients-mode": "Grid"}, "segmented_control", "gradients-mode", "Grid"),
    ("seq2seq", {"panel": "predict", "seq2seq-beams": "5"}, "slider", "seq2seq-beams", 5),
    (
        "bert",
        {"panel": "explain", "bert-view": "Fill in the blank"},
        "segmented_control",
        "bert-view",
        "Fill in the blank",
    ),
    ("backprop", {"panel": "predict", "digit-from": "Test sample"}, "segmented_control", "digit-from", "Test sample"),
]


def open_page(slug: str, query: dict[str, str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(str(next(page.path for page in find_pages() if page.slug == slug).relative_to(ROOT)))
    return app.run()


@pytest.mark.parametrize(("slug", "query", "kind", "key", "value"), STATES, ids=[f"{s[0]}-{s[3]}" for s in STATES])
def test_a_link_restores_the_view(home, slug, query, kind, key, value):
    app = open_page(slug, query)
    assert not app.exception, app.exception
    assert getattr(app, kind)(key=key).value == value


def test_the_comparison_of_a_page_is_in_the_address(home):
    app = open_page("fashion", {"panel": "results"})
    app.segmented_control(key="view").set_value(COMPARE).run()
    (choice,) = [box for box in app.selectbox if box.label == "Comparison"]
    choice.set_value("chosen").run()
    assert not app.exception and app.query_params["comparison"] in ("chosen", ["chosen"])
    (again,) = [box for box in app.selectbox if box.label == "Comparison"]
    assert again.value == "chosen"


def test_a_browser_that_reports_no_panel_keeps_that_of_the_address(home):
    """A script run that is interrupted may have set the panel without the browser having seen it."""
    app = open_page("backprop", {"panel": "train"})
    app.segmented_control(key="panel").set_value(None).run()
    assert not app.exception and app.query_params["panel"] in ("train", ["train"])
    assert app.segmented_control(key="panel").value == "train"
