"""The chooser of a page's run, and the address that goes with it."""

from types import SimpleNamespace

from dlcore.ui import chooser


def test_a_chooser_that_is_gone_does_not_move_the_page(monkeypatch):
    """Its old value comes along with the next rerun of a fragment, after a new run was started and chosen."""
    state = {"chooser-of-anomaly": "new", "old": "reference:anomaly/conv", "new": "abc"}
    page = SimpleNamespace(session_state=state, query_params={"run": "abc"})
    monkeypatch.setattr(chooser, "st", page)
    chooser._follow("anomaly", "old")
    assert page.query_params["run"] == "abc"
    state["new"] = "def"
    chooser._follow("anomaly", "new")
    assert page.query_params["run"] == "def"
