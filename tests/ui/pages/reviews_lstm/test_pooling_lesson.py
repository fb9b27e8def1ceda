"""The pooling lesson accepts any text."""

from streamlit.testing.v1 import AppTest


def test_empty_and_equal_reviews_show_a_message():
    def script():
        from dlcore import runs
        from dlcore.ui.pages.reviews_lstm.pooling_lesson import _padding_effect

        _padding_effect(runs.open_run("reference:reviews_lstm/base_lstm").bundle)

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception and "At the last word" in app.caption[0].value
    app.text_input[0].set_value(" \u0000 ").run()
    assert not app.exception and "the text is empty" in app.error[0].value
    app.text_input[0].set_value("A film").run()
    app.text_input[1].set_value("a   <b>FILM</b>").run()
    assert not app.exception and not app.error and "two reviews are equal" in app.caption[0].value
