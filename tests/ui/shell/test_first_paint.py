"""The first frame is drawn before everything that is deferred, and that before the live chart."""

from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from dlcore.ui.shell import first_paint

    first_paint.defer(lambda: st.markdown("menu"))
    st.title("Title")
    with first_paint.main_picture("<svg/>", alt='a "curve"', height=100):
        st.markdown("live")
    first_paint.draw_deferred()


def test_frame_comes_first_then_what_is_deferred_once():
    app = AppTest.from_function(page).run()
    assert not app.exception
    kinds = [element.type for element in app.main]
    assert kinds.index("html") < kinds.index("markdown")
    assert [element.value for element in app.markdown] == ["menu", "live"]
    (frame,) = app.get("html")
    assert "data:image/svg+xml;base64,PHN2Zy8+" in frame.proto.body and "a &quot;curve&quot;" in frame.proto.body
