"""The lesson of the last state bears whatever is typed into it."""

from streamlit.testing.v1 import AppTest


def test_empty_and_equal_reviews_are_said_to_be_such():
    def script():
        from dlcore import runs
        from dlcore.ui.pages.reviews_lstm.pooling_lesson import _drift

        _drift(runs.open_run("reference:reviews_lstm/base_lstm").bundle)

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception and "At the last word of the first review" in app.caption[0].value
    app.text_input[0].set_value(" \u0000 ").run()
    assert not app.exception and "the text is empty" in app.error[0].value
    app.text_input[0].set_value("A film").run()
    app.text_input[1].set_value("a   <b>FILM</b>").run()
    assert not app.exception and not app.error and "The two reviews are equal" in app.caption[0].value
