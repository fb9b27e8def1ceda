"""A fresh machine: no network, no data folder, empty cache and home. Every page shows samples and can train."""

import socket

import pytest
import streamlit as st
import tiny_archives
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.data.images import thumbnails
from dlcore.data.sources import locate as sources
from dlcore.projects import registry
from dlcore.runs.short_run import run_short
from dlcore.ui.shell.menu import find_pages

PAGES = find_pages()
IDS = [page.slug for page in PAGES]
OFFLINE = {
    "anatomy": "digits",
    "anomaly": "nyc_taxi",
    "architectures": "digits",
    "attention": "recall",
    "backprop": "digits",
    "bert": "movie_reviews",
    "fashion": "digits",
    "food": "food_drawings",
    "forecast": "beijing_pm25",
    "gradients": "digits",
    "news": "template_news",
    "questions": "template_questions",
    "reviews_bert": "movie_reviews",
    "reviews_lstm": "movie_reviews",
    "reviews_transformer": "movie_reviews",
    "rnn": "digits",
    "seq2seq": "dates_in_words",
    "vit": "digits",
}
"""Project -> dataset that its forms start with on a fresh machine."""
FALSE_CLAIMS = ("train_15181.csv", "cnn_dataset.zip` from", "get Dogs")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for decoded data, shared by the tests of this file, and empty Streamlit caches."""
    st.cache_resource.clear()
    st.cache_data.clear()
    yield tmp_path_factory.mktemp("cache")
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def fresh(monkeypatch, tmp_path, cache):
    """No data folder, and an empty home."""
    for name in ("DLCORE_DATA", "DLCORE_MIRROR", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLCORE_CACHE", str(cache))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def offline(fresh, monkeypatch):
    """Every connection fails."""

    def refuse(self, address):
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def open_page(page, panel: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {"panel": panel, **query}.items():
        app.query_params[name] = value
    app.switch_page(str(page.path.relative_to(ROOT)))
    app.run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
    return app


def slug_of(app: AppTest) -> str:
    return next(button.key.removeprefix("train-") for button in app.button if button.label == "Train")


def words(app: AppTest) -> str:
    return " ".join(element.value for element in [*app.markdown, *app.caption])


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_page_can_train_at_once(offline, page):
    app = open_page(page, "train")
    button = next(button for button in app.button if button.label == "Train")
    assert not button.disabled
    slug = slug_of(app)
    dataset = next((box.value for box in app.selectbox if box.label == "Dataset"), OFFLINE[slug])
    assert dataset == OFFLINE[slug] and sources.is_available(dataset)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_page_shows_samples(offline, page):
    app = open_page(page, "data")
    counts = [len(app.get(kind)) for kind in ("image", "text", "plotly_chart", "bidi_component", "dataframe", "table")]
    assert sum(counts), "no sample"
    if projects.get(page.slug).modality == "image":
        assert app.get("image")
    assert not [claim for claim in FALSE_CLAIMS if claim in words(app)]


@pytest.mark.parametrize("slug", ["architectures", "food", "news", "questions", "fashion"])
def test_quick_run_trains_a_few_steps(offline, slug):
    dataset = projects.configure(slug).dataset
    model = registry.suggest_model(slug, dataset)
    small = {"rows": 300, "train_rows": 100, "batch_size": 16, **({"side": 64} if slug == "food" else {})}
    known = {field.name for fields in projects.list_settings(slug, model).values() for field in fields}
    settings = {name: value for name, value in small.items() if name in known}
    config = projects.configure(slug, model=model, preset="quick", settings=settings)
    assert config.dataset == OFFLINE[slug] and not registry.missing_downloads(config)
    result = run_short(config, projects.get(slug).prepare(config), steps=3)
    assert not result.error and len(result.losses.values) == 3


@pytest.mark.parametrize("panel", ["predict", "explain"])
@pytest.mark.parametrize("slug", ["fashion", "vit", "gradients"])
def test_test_images_come_with_the_app(offline, slug, panel):
    page = next(page for page in find_pages() if page.slug == slug)
    app = open_page(page, panel, input="Test sample")
    assert "Download" not in [button.label for button in app.button]
    if not (slug == "gradients" and panel == "predict"):  # short runs on the digits
        assert "200 of 10,000 test images come with the app" in words(app) and "license: MIT" in words(app)


@pytest.mark.parametrize("slug", ["anatomy", "backprop", "rnn"])
def test_walks_use_the_images_that_ship(offline, slug):
    page = next(page for page in find_pages() if page.slug == slug)
    app = open_page(page, "explain" if slug != "anatomy" else "predict")
    assert not any(button.label == "Download" for button in app.button)


def test_images_that_ship_are_those_of_the_stored_predictions(fresh):
    """The label of a thumbnail is the target that every reference run stored for its row."""
    checked = 0
    for run in runs.references():
        shipped, stored = thumbnails.find(run.config.dataset), run.finished_bundle.predictions()
        if shipped is None or projects.get(run.config.project).task.name != "classification":
            continue
        targets = dict(zip(stored["test_ids"].tolist(), stored["test_targets"].tolist(), strict=True))
        assert [targets[row] for row in shipped.rows.tolist()] == shipped.labels.tolist()
        checked += 1
    assert checked >= 10


def test_search_form_starts_with_what_is_here(offline):
    page = next(page for page in find_pages() if page.slug == "news")
    app = open_page(page, "train", search="x")
    assert next(box for box in app.selectbox if box.label == "Dataset").value == OFFLINE["news"]
    assert not next(button for button in app.button if button.label == "Start search").disabled


def test_quick_preset_says_what_it_does_without(offline):
    page = next(page for page in find_pages() if page.slug == "questions")
    assert "GloVe is not on this machine: word vectors start random" in words(open_page(page, "train"))


@pytest.mark.parametrize(
    ("slug", "offered"), [("architectures", "cifar10"), ("food", "food101_ten"), ("news", "ag_news")]
)
def test_data_panel_offers_a_dataset_that_can_be_downloaded(offline, slug, offered):
    page = next(page for page in find_pages() if page.slug == slug)
    app = open_page(page, "data")
    assert [button.key for button in app.button if button.label == "Download" and "weights" not in button.key] == [
        f"download-{offered}"
    ]


USES = {
    "air_quality": ("forecast", {}),
    "fashion_mnist": ("fashion", {"train_rows": 50}),
    "mnist": ("backprop", {}),
    "cifar10": ("architectures", {"side": 32, "train_rows": 50}),
    "food101_mini": ("food", {"side": 64, "train_side": 64}),
    "food101_ten": ("food", {"side": 64, "train_side": 64}),
    "imdb": ("reviews_lstm", {}),
    "ag_news": ("news", {"vectors": "none", "frozen": False}),
    "trec6": ("questions", {"vectors": "none"}),
    "trec50": ("questions", {"vectors": "none"}),
    "glove": ("news", {"vectors": "glove"}),
}
"""Dataset -> a project and settings to train on it."""


@pytest.mark.parametrize("name", tiny_archives.ARCHIVES)
def test_each_download_ends_in_a_trainable_dataset(fresh, name, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    assert not sources.is_available(name)
    with tiny_archives.serve(tiny_archives.install(name, tmp_path, monkeypatch)) as (address, _):
        monkeypatch.setenv("DLCORE_MIRROR", address)
        progress: list[tuple[int, int]] = []
        sources.fetch(name, lambda done, total: progress.append((done, total)))
    assert progress[-1][0] == progress[-1][1] == sources.get_dataset(name).download_size
    slug, settings = USES[name]
    dataset = OFFLINE[slug] if name == "glove" else name
    model = "mobilenet_v2_scratch" if slug == "food" else next(iter(projects.get(slug).models))
    config = projects.configure(slug, model=model, dataset=dataset, preset="quick", settings=settings)
    result = run_short(config, projects.get(slug).prepare(config), steps=2)
    assert not result.error and len(result.losses.values) == 2


def test_every_download_is_tested():
    assert set(tiny_archives.ARCHIVES) == set(USES)
    downloadable = {name for name, dataset in sources.DATASETS.items() if dataset.downloadable}
    assert downloadable == set(USES) | {"nyc_taxi"}  # which ships


def test_download_button_selects_the_new_dataset(fresh, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    page = next(page for page in find_pages() if page.slug == "architectures")
    with tiny_archives.serve(tiny_archives.install("cifar10", tmp_path, monkeypatch)) as (address, _):
        monkeypatch.setenv("DLCORE_MIRROR", address)
        app = open_page(page, "train")
        app.button(key="download-cifar10").click().run()
    assert not app.exception and not app.error
    assert next(box for box in app.selectbox if box.label == "Dataset").value == "cifar10"
    assert not next(button for button in app.button if button.label == "Train").disabled
