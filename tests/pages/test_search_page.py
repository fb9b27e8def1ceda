"""Hyperparameter searches on a page: start one from the form, see its trials, train the best one as a run."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ASSETS
from dlcore.data.sources import locate
from dlcore.projects import search_space
from dlcore.runs import folder
from dlcore.runs.search import searches
from dlcore.runs.search import trials as search_worker
from dlcore.runs.worker import launcher


@pytest.fixture
def launched(home, monkeypatch):
    """Start no process; return the ids of the runs and searches to start."""
    ids = []
    monkeypatch.setattr(launcher, "launch", lambda folder, **options: ids.append(folder.run_id))
    return ids


def open_page(page: str = "vision/fashion", **query: str) -> AppTest:
    test = AppTest.from_file(str(ASSETS.parent / "app.py"), default_timeout=120)
    test.switch_page(f"pages/{page}.py")
    for name, value in {"panel": "train", **query}.items():
        test.query_params[name] = value
    return test.run()


def widget(group, label: str):
    return next(element for element in group if element.label == label)


def choose_available_dataset(test: AppTest, project: str) -> None:
    """Choose a dataset that ships with the app or a package: the first of the list may be missing here."""
    name = next(name for name in projects.list_datasets(project) if locate.is_available(name))
    widget(test.selectbox, "Dataset").set_value(name).run()


class InProcessWorker:
    """This process as a worker that receives no command."""

    rank, received_signals = 0, ()

    def __init__(self, search_id: str):
        self.run_id, self.folder = search_id, folder.of_run(search_id)

    def poll_command(self):
        return None

    def is_current(self):
        return True


def create_search(n_trials: int = 6):
    base = projects.configure(
        "fashion", dataset="digits", preset="quick", device="cpu", settings={"epochs": 2, "train_rows": 100}
    )
    space = search_space.parse_parameters(["learning_rate=1e-4..1e-1", "optimizer=adam,sgd"], base)
    return searches.create(base, space, n_trials=n_trials, prune=False)


@pytest.mark.parametrize("page", ["series/forecast", "vision/fashion", "foundations/backprop"])
def test_the_form_of_every_project_starts_a_search(page, launched):
    test = open_page(page)
    test.segmented_control(key=next(w.key for w in test.segmented_control if w.label == "Train")).set_value(
        "Hyperparameter search"
    ).run()
    assert not test.exception and "No hyperparameter search yet" in " ".join(info.value for info in test.info)
    choose_available_dataset(test, page.partition("/")[2])
    widget(test.number_input, "Trials").set_value(7)
    widget(test.number_input, "Learning rate, to").set_value(0.02)
    widget(test.button, "Start search").click().run()
    assert not test.exception and not test.error
    (search,) = searches.list_searches()
    assert launched == [search.search_id] and search.n_trials == 7 and search.state == "queued"
    assert (search.search_space[0].name, search.search_space[0].high) == ("learning_rate", 0.02)
    assert search.config.project == page.partition("/")[2]


def test_start_button_is_disabled_without_the_dataset(launched, monkeypatch, tmp_path):
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    test = open_page(search="x")
    widget(test.selectbox, "Dataset").set_value("fashion_mnist").run()
    assert not test.exception and widget(test.button, "Start search").disabled
    assert "Download" in [button.label for button in test.button]


def test_a_reversed_range_is_rejected_in_one_line(launched):
    test = open_page(search="x")
    choose_available_dataset(test, "fashion")
    widget(test.number_input, "Dropout, from").set_value(0.6)
    widget(test.button, "Start search").click().run()
    assert [error.value for error in test.error] and "dropout=0.6..0.5 is not a range" in test.error[0].value
    assert not searches.list_searches() and not launched


def test_a_finished_search_shows_its_best_trial_and_trains_it(launched):
    search = create_search()
    search_worker.lead(InProcessWorker(search.search_id), lambda line: None)
    test = open_page(search=search.search_id)
    assert not test.exception and not test.error
    captions = " ".join(caption.value for caption in test.caption)
    assert "no trial saw test data" in captions and "fANOVA" in captions
    best = searches.open_search(search.search_id).best
    assert "--set epochs=2 --set learning_rate=" in test.code[0].value
    assert len(test.dataframe[0].value) == 6
    widget(test.button, "Train best trial").click().run()
    assert not test.exception
    (run,) = runs.list_runs("fashion")
    assert runs.open_run(run.run_id).config.training.learning_rate == best.params["learning_rate"]
    assert launched == [run.run_id]


def test_a_queued_search_can_be_paused_and_deleted(launched):
    search = create_search()
    test = open_page(search=search.search_id)
    widget(test.button, "Pause").click().run()
    assert searches.open_search(search.search_id).state == "paused"
    widget(test.button, "Delete").click().run()
    assert not test.exception and not searches.list_searches()


def test_a_queued_search_is_in_the_jobs_bar_of_every_page(launched):
    search = create_search()
    assert [active.search_id for active in searches.active()] == [search.search_id]
    test = AppTest.from_file(str(ASSETS.parent / "app.py"), default_timeout=120).run()
    assert not test.exception
    searches.delete(search.search_id)
    assert searches.active() == []
