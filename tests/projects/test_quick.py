"""The quick preset on custom datasets: epochs from the number of rows, a suggested model, a command that repeats it."""

import pytest

from dlcore import projects
from dlcore.data.custom.registry import CustomDataset, save
from dlcore.projects import quick, registry
from dlcore.projects.command import command_line

pytestmark = pytest.mark.usefixtures("home")
FACTS = {
    "series": {"step_ms": 3_600_000, "period": 24, "windows": [], "columns": {"time": "t", "value": "v"}},
    "table": {"step_ms": 3_600_000, "names": ["a", "b"]},
}
BY_KIND = {
    "series": ("anomaly", "forecast"),
    "table": ("forecast",),
    "images": ("food", "architectures"),
    "text": ("news", "questions", "reviews_lstm", "reviews_transformer", "reviews_bert", "bert"),
}
REQUESTS = [(kind, slug) for kind, slugs in BY_KIND.items() for slug in slugs]


def save_entry(kind, rows, name="mine") -> CustomDataset:
    """A dataset without files: a config needs its metadata only."""
    return save(CustomDataset(name, kind, rows, "0" * 64, facts=FACTS.get(kind, {})), lambda folder: None, reserved=())


def dataset(rows):
    return CustomDataset("mine", "text", rows, "0" * 64)


@pytest.mark.parametrize(("kind", "slug"), REQUESTS)
def test_a_small_dataset_trains_for_more_epochs_than_a_large_one(kind, slug):
    save_entry(kind, 400, "small")
    save_entry(kind, 150_000, "large")
    for model in projects.get(slug).models:
        small, large = (
            projects.configure(slug, model=model, dataset=name, preset="quick").training.epochs
            for name in ("small", "large")
        )
        assert 1 <= large <= small <= quick.MAX_EPOCHS, model
        full = projects.configure(slug, model=model, dataset="small", preset="full").training
        public = projects.configure(slug, model=model, preset="full").training
        assert full.epochs == public.epochs


@pytest.mark.parametrize(("kind", "slug"), REQUESTS)
def test_the_command_of_a_custom_run_names_its_epochs_and_repeats_it(kind, slug):
    save_entry(kind, 400)
    config = projects.configure(slug, dataset="mine", preset="quick")
    line = command_line(config)
    plain = registry.preset_settings(config, is_scaled=False)["epochs"]
    assert (f"--set epochs={config.training.epochs}" in line) == (plain != config.training.epochs)
    words = line.split()
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    assert projects.configure(slug, model=config.model, dataset="mine", preset="quick", settings=settings) == config


def test_models_are_suggested_by_kind_and_a_choice_wins(monkeypatch):
    save_entry("table", 400)
    assert projects.configure("forecast", dataset="mine").model == "improved"
    assert projects.configure("forecast", model="lstm", dataset="mine").model == "lstm"
    assert projects.configure("forecast").model == "lstm"  # public data as before
    save_entry("images", 90, "photos")
    monkeypatch.setattr("dlcore.projects.vision.food.sources.is_available", lambda name: True)
    assert projects.configure("food", dataset="photos").model == "mobilenet_v2_frozen"
    monkeypatch.setattr("dlcore.projects.vision.food.sources.is_available", lambda name: False)
    assert projects.configure("food", dataset="photos").model == "mobilenet_v2_scratch"


def test_word_vectors_start_random_where_glove_is_missing(monkeypatch):
    save_entry("text", 400)
    for is_here, vectors in ((True, "glove"), (False, "none")):
        monkeypatch.setattr("dlcore.projects.registry.sources.is_available", lambda name, here=is_here: here)
        for slug, model in (("news", "encoder"), ("news", "improved_encoder"), ("questions", "gru")):
            config = projects.configure(slug, model=model, dataset="mine", preset="quick")
            assert config.flat["vectors"] == vectors
            assert ("--set vectors=none" in command_line(config)) == (not is_here)


@pytest.mark.parametrize(
    ("rows", "values", "options", "expected"),
    [
        (1000, {}, {"samples": 7000}, {"epochs": 10, "patience": 10}),
        (1000, {"schedule": "one_cycle"}, {"samples": 7000}, {"epochs": 10}),
        (100, {}, {"samples": 1e9}, {"epochs": 120, "patience": 30}),
        (10**7, {}, {"samples": 7000}, {"epochs": 1, "patience": 10}),
        (10**7, {}, {"samples": 2100, "rows_setting": "rows"}, {"rows": 1000, "epochs": 3, "patience": 10}),
        (10**7, {"rows": 500}, {"samples": 2100, "rows_setting": "rows"}, {"epochs": 6, "patience": 10}),
        (900, {}, {"samples": 7000, "rows_setting": "rows", "most_rows": 500}, {"rows": 500, "epochs": 20}),
    ],
)
def test_epochs_follow_from_rows_within_bounds(rows, values, options, expected):
    fitted = quick.fit_epochs(values, dataset(rows), **options)
    assert {name: fitted[name] for name in expected} == expected
    assert set(fitted) - set(expected) <= {"patience"}
