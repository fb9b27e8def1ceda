"""View Behavior of Results."""

from streamlit.testing.v1 import AppTest

from dlcore.evaluation.behavior import FailureRate
from dlcore.ui.modalities.behavior import describe, tabulate

RATES = [FailureRate("Negation", "minimum", 80, 100), FailureRate("Names", "invariance", 1, 100)]


def test_worst_capability_is_named_beside_the_accuracy():
    assert describe(RATES, accuracy=0.9).startswith("**Negation** fails most: 80.0 % [71.1, 86.7] of 100 cases.")
    assert "90.0 %" in describe(RATES, accuracy=0.9)


def test_table_has_a_column_per_model():
    rows = tabulate({"A": RATES, "B": RATES[1:]})
    assert [row["Capability"] for row in rows] == ["Negation", "Names"]
    assert set(rows[1]) == {"Capability", "Kind", "Cases", "A", "B"} and "B" not in rows[0]


def script():
    from dlcore import projects, runs
    from dlcore.ui.compare.comparison import results

    results(projects.get("reviews_lstm"), runs.open_run("reference:reviews_lstm/base_lstm"))


def test_view_shows_rates_then_failures_and_saves_templates(home):
    app = AppTest.from_function(script, default_timeout=120)
    app.session_state["view"] = "Behavior"
    app.run()
    assert not app.exception, app.exception
    assert "fails most" in " ".join(text.value for text in app.markdown)
    next(button for button in app.button if button.label == "List the worst failures").click().run()
    assert not app.exception and any("expected" in caption.value for caption in app.caption)
    next(button for button in app.button if button.label == "Save templates").click().run()
    assert not app.exception and any("Saved 6 cases" in message.value for message in app.success)
    assert (home / "behavior" / "my_tests.toml").exists()
