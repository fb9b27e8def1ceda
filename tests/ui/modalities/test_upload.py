"""The user's image on every image page: explained, with attention, and answered by several networks."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core import settings

PHOTO = next(iter(sorted((settings.ASSETS / "samples" / "food").glob("*.png"))))
IMAGE = ("photo.png", PHOTO.read_bytes())


def explain(reference: str, panel: str) -> None:
    from dlcore import projects, runs
    from dlcore.ui.shell.page import load

    run = runs.open_run(reference)
    load(panel)(projects.get(run.config.project), run)


def draw(reference: str, panel: str, **params: str) -> AppTest:
    app = AppTest.from_function(explain, args=(reference, panel), default_timeout=120)
    app.session_state["uploaded-image"] = IMAGE
    for name, value in params.items():
        app.query_params[name.replace("_", "-")] = value
    return app.run()


def text_of(app: AppTest) -> str:
    return " ".join(part.value for part in [*app.markdown, *app.caption])


@pytest.mark.parametrize("reference", ["fashion/dense", "gradients/resnet", "architectures/resnet18", "vit/vit"])
def test_uploaded_image_is_explained(home, reference):
    panel = "dlcore.ui.modalities.explain:explain"
    app = draw(f"reference:{reference}", panel, explained_input="Your image")
    assert not app.exception and not app.error, app.error
    text = text_of(app)
    assert "Predicted: **" in text and "Uploaded before: “photo.png”." in text and "random weights" in text
    assert app.selectbox(key="explained-class").options


def test_attention_of_an_uploaded_image_is_shown(home):
    app = draw("reference:vit/vit", "dlcore.ui.pages.vit.attention:explain", explained_input="Your image")
    assert not app.exception and not app.error, app.error
    assert "Predicted: **" in text_of(app) and app.expander[0].label == "How to read the maps"


@pytest.mark.parametrize("reference", ["fashion/dense", "vit/vit"])
def test_networks_of_the_page_answer_an_uploaded_image(home, reference):
    app = draw(f"reference:{reference}", "dlcore.ui.modalities.gallery:predict", input="Your input")
    assert not app.exception and not app.error, app.error
    app.toggle(key="compare-networks").set_value(True).run()
    assert not app.exception and not app.error, app.error
    text = text_of(app)
    assert "All agree." in text or "The networks disagree." in text


def test_uploaded_image_can_be_removed(home):
    panel = "dlcore.ui.modalities.explain:explain"
    app = draw("reference:fashion/dense", panel, explained_input="Your image")
    app.button(key="image-upload-remove").click().run()
    assert not app.exception and "Choose an image" in app.info[0].value
