"""Custom texts on the Data panel before there is a run on them: classes, samples and receipt."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core.settings import ROOT
from dlcore.data.custom import registry, texts

pytestmark = pytest.mark.usefixtures("home")


def test_saved_texts_can_be_selected_on_data_and_are_shown_with_their_receipt():
    rows = "".join(f"printer number {n} jams,{'hardware' if n % 3 else 'network'}\n" for n in range(30))
    texts.IMPORTER.save("tickets", texts.IMPORTER.preview(f"text,label\n{rows}".encode()), source="tickets.csv")
    entry = registry.require("tickets", "text")
    app = AppTest.from_file(str(ROOT / "pages" / "language" / "news.py"), default_timeout=60)
    app.query_params["panel"] = "data"
    app.run()
    assert not app.exception and app.expander[0].label == "Add your data: texts"
    assert "Your datasets: 1" in [fold.label for fold in app.expander]
    next(box for box in app.selectbox if box.label == "Dataset").select(entry.dataset).run()
    assert not app.exception
    captions = " ".join(caption.value for caption in app.caption)
    assert (
        "30 texts; 0 duplicates" in captions and "**tickets**: 30 texts of 2 classes. Source: tickets.csv." in captions
    )
    assert {"hardware", "network"} <= {caption.value for caption in app.caption}  # titles of the samples
