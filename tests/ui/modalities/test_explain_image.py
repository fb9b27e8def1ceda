"""Explanation of an image on the page: every method of the network, each with its sanity checks."""

import pytest
from streamlit.testing.v1 import AppTest

pytestmark = pytest.mark.realdata("fashion_mnist")


def draw(reference: str) -> None:
    from dlcore import projects, runs
    from dlcore.ui.modalities.explain_image import explain_image

    run = runs.open_run(reference)
    explain_image(projects.get(run.config.project), run, run.bundle)


@pytest.mark.parametrize(
    ("reference", "ways"),
    [
        ("reference:fashion/dense", ["Integrated gradients", "Occlusion"]),
        ("reference:gradients/resnet", ["Integrated gradients", "Occlusion", "Grad-CAM"]),
    ],
)
def test_every_method_is_shown_with_its_checks(reference, ways):
    app = AppTest.from_function(draw, args=(reference,), default_timeout=60).run()
    assert not app.exception
    choice = app.segmented_control[1]  # after the choice of the image
    assert choice.options == ways
    text = " ".join(part.value for part in app.markdown)
    assert "All pixels together account for" in text  # only integrated gradients are complete
    for way, value in zip(ways[1:], ("occlusion", "cam"), strict=False):
        choice.set_value(value).run()
        assert not app.exception
        text = " ".join(part.value for part in [*app.markdown, *app.caption])
        assert "All pixels together" not in text
        for words in ("random weights", "over the pixels", "blackened first"):
            assert words in text, (way, words)
    assert ("layer `" in text) == (len(ways) == 3)
