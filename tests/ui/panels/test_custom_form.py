from streamlit.testing.v1 import AppTest

from dlcore.data.custom import pairs as own_pairs
from dlcore.data.custom import registry as own
from dlcore.data.custom import texts as own_texts
from dlcore.ui.widgets import samples


def script():
    from dlcore.ui.custom_data import pairs as own_pairs

    own_pairs.show_form()


def test_what_is_kept_is_listed_and_can_be_removed(home):
    rows = "\n".join(f"{number:03d},{number:03d}"[::-1] for number in range(200))
    own_pairs.save("mine", own_pairs.validate(f"read,write\n{rows}\n".encode()), source="mine.csv")
    app = AppTest.from_function(script, default_timeout=60).run()
    said = " ".join(caption.value for caption in app.caption)
    assert "**mine**: 200 pairs, from mine.csv" in said
    app.button(key="remove-mine").click().run()
    assert not app.exception and own.find("mine") is None
    assert "mine.csv" not in " ".join(caption.value for caption in app.caption)


def test_texts_of_a_name_that_is_taken_anew_are_read_anew(home):
    for word in ("first", "second"):
        rows = "".join(f"{word} text number {n},{n % 2}\n" for n in range(12))
        own_texts.save("mine", own_texts.validate(f"text,label\n{rows}".encode()))
        assert samples.get_text("own:mine", 3).startswith(word) and len(samples.word_counts("own:mine")) == 12
        own.remove("mine")
