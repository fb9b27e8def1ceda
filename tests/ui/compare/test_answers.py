"""One image answered by several networks."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core import settings
from dlcore.ui.compare import networks

PHOTO = next(iter(sorted((settings.ASSETS / "samples" / "food").glob("*.png"))))


def show():
    from dlcore import projects
    from dlcore.ui.compare.answers import predict

    predict(projects.get("architectures"), None)


@pytest.fixture
def app(home):
    return AppTest.from_function(show, default_timeout=120).run()


def test_networks_of_the_reference_runs_answer_the_same_sample(app):
    assert not app.exception and not app.error, app.error
    text = " ".join(markdown.value for markdown in app.markdown)
    for run in runs.references("architectures"):
        bundle = run.finished_bundle
        truth = bundle.predictions()["test_scores"][0].argmax()
        assert f"{projects.get('architectures').models[run.record.model].title}: **{bundle.labels[truth]}**" in text
    assert "agree" in text


def test_networks_of_a_lesson_can_be_chosen_by_the_url(home):
    app = AppTest.from_function(show, default_timeout=120)
    app.query_params["comparison"] = "residual"
    app.run()
    assert not app.exception and not app.error, app.error
    assert "50 layers, skip connections on: **" in " ".join(markdown.value for markdown in app.markdown)


def test_answers_are_those_of_each_runs_predict(home):
    project, payload = projects.get("architectures"), PHOTO.read_bytes()
    for run in runs.references("architectures"):
        assert networks.answer(project, run.finished_bundle, payload) == run.predict(payload)
