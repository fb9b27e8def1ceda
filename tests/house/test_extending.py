"""The package is extended in a copy: a model, a project of a new modality, a panel, a panel's label."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlcore.core.settings import ROOT

MODEL = '''"""Mean of word vectors, and a linear layer."""

from torch import Tensor, nn

from dlcore.core.config import Config, number


class BagOfWordsConfig(Config):
    """Size of the word vectors."""

    width: int = number(32, low=2, high=512, unit="numbers", help="Length of a word vector.")


class BagOfWords(nn.Module):
    """(N, T) token ids -> (N, K) logits."""

    def __init__(self, config: BagOfWordsConfig, *, vocabulary: int, length: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocabulary, config.width, padding_idx=0)
        self.head = nn.Linear(config.width, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """(N, T) -> (N, K)."""
        logits: Tensor = self.head(self.embedding(ids))
        return logits
'''
MODEL_ENTRY = """        "bag_of_words": ModelEntry(
            title="Bag of words",
            summary="Mean of the word vectors, and a linear layer.",
            build=texts.build_with(BagOfWords),
            config=BagOfWordsConfig,
        ),
"""
TRAIN_MODEL = """
import pathlib
from dlcore import projects, runs
from dlcore.cli import main
from dlcore.data.custom import texts

pairs = (("goal", "sport"), ("shares", "money"))
rows = "\\n".join(f"{word} number {n},{label}" for n in range(60) for word, label in pairs)
texts.IMPORTER.save("tiny", texts.IMPORTER.preview(("text,label\\n" + rows).encode()))
names = [field.name for field in projects.list_settings("news", "bag_of_words")["model"]]
assert names == ["width"], names
settings = {"width": 8, "vectors": "none", "vocabulary": 200, "epochs": 2}
flags = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
request = ["news", "--model", "bag_of_words", "--dataset", "custom:tiny", "--preset", "quick", "--bundle", "bundle"]
code = main(["train", *request, *flags])
assert not code, code
bundle = runs.Bundle(pathlib.Path("bundle"))
assert bundle.config.flat["width"] == 8 and "layers" not in bundle.config.flat
assert bundle.evaluation.metrics["accuracy"] > 0.4
"""

WINE_LOADER = '''"""Wine recognition: 13 measurements of 178 wines from three growers."""

import numpy as np

from dlcore.data.sources import locate


def load_wine() -> tuple[np.ndarray, np.ndarray]:
    """Features (178, 13) float32 and classes (178,) int64."""
    table = np.loadtxt(locate.require("wine"), delimiter=",", skiprows=1, dtype=np.float32)
    return table[:, :-1], table[:, -1].astype(np.int64)
'''
WINE_DATASET = """    "wine": Dataset(
        name="wine",
        title="Wine recognition, 13 measurements of 178 wines",
        kind="table",
        homepage="https://archive.ics.uci.edu/dataset/109",
        license="CC BY 4.0",
        rows=178,
        files=(DatasetFile("wine_data.csv", 11_157),),
        package="scikit-learn",
        module="sklearn",
        inside="datasets/data",
    ),
"""
WINE_PROJECT = '''"""tabular/wine: which grower a wine comes from."""

import numpy as np
import torch
from torch import nn

from dlcore.core.config import Config, number
from dlcore.core.errors import DataError
from dlcore.data import wine
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_split
from dlcore.inference import predict as inference
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION

GROWERS = ("grower 0", "grower 1", "grower 2")


class WineData(Config):
    """Splits."""

    test_share: float = number(0.25, low=0.1, high=0.5, help="Share of the wines to test on.")


def prepare(config):
    """Standardized measurements, split by class."""
    x, y = wine.load_wine()
    rest, test = stratified_split(y, config.data_as(WineData).test_share, seed=0)
    train, validation = stratified_split(y[rest], 0.2, seed=config.seed)
    train, validation = rest[train], rest[validation]
    mean, std = x[train].mean(axis=0), x[train].std(axis=0)

    def split(rows):
        return Split((torch.from_numpy((x[rows] - mean) / std),), torch.from_numpy(y[rows]), rows.astype(np.int64))

    return Prepared(
        train=split(train), validation=split(validation), test=split(test), facts={"features": 13, "classes": 3},
        preprocessing={"mean": mean.tolist(), "std": std.tolist()}, labels=GROWERS,
    )


def baselines(prepared, config):
    """Majority class."""
    return {"majority": classification.majority_class(prepared)}


def answer(loaded: LoadedModel, payload: bytes):
    """Probabilities for one CSV row of 13 numbers."""
    try:
        x = np.array(payload.decode().strip().splitlines()[-1].split(","), dtype=np.float32)
    except ValueError as error:
        raise DataError(f"row 1: {error}.") from None
    if len(x) != 13:
        raise DataError(f"row 1 has {len(x)} values: give 13.")
    scaled = (x - np.array(loaded.preprocessing["mean"])) / np.array(loaded.preprocessing["std"])
    scores = inference.forward_batch(loaded.module, torch.tensor(scaled[None], dtype=torch.float32))
    return classification.classify(loaded, scores)


def build(options, facts):
    """Two dense layers."""
    return nn.Sequential(nn.Linear(facts["features"], 16), nn.ReLU(), nn.Linear(16, facts["classes"]))


PROJECT = Project(
    slug="wine",
    section="tabular",
    title="Wine recognition",
    summary="Predict the grower of a wine from 13 measurements.",
    task=CLASSIFICATION,
    modality="table",
    datasets=("wine",),
    models={"dense": ModelEntry("Dense 16", "One hidden layer.", build)},
    data_config=WineData,
    presets={"quick": {"epochs": 30, "learning_rate": 1e-2}, "full": {"epochs": 100, "learning_rate": 1e-2}},
    facts={"features": 13, "classes": 3},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
)
'''
WINE_MODALITY = '''"""Tables: rows of numbers."""

import numpy as np
import streamlit as st

from dlcore.data import wine
from dlcore.projects import classification
from dlcore.ui.modalities.predict import number_of_sample, predict_payload, show_prediction
from dlcore.ui.widgets import run_cache

STARTS_WITH_INPUT = False


def overview(project, run):
    """The table."""
    st.dataframe(wine.load_wine()[0])


def pick_sample(project, dataset, ids, *, key):
    """A row."""
    return number_of_sample(project, len(ids), key=key, first=lambda: 0)


def show(config, ids, captions, *, large=False):
    """Rows."""
    st.dataframe(wine.load_wine()[0][list(ids)])


def browse(project, run, bundle):
    """Nothing."""


def input_widget(project, bundle):
    """One row as text."""
    text = st.text_input("13 numbers", ",".join(map(str, wine.load_wine()[0][0])), key="wine-row")
    answer = predict_payload(project, bundle, text.encode())
    if answer:
        show_prediction(answer, bundle.labels)
    return answer


def explain(project, run, bundle):
    """Loss of probability per column set to its mean."""
    st.dataframe(np.zeros(13))
'''
WINE_PAGE = '''"""Predict the grower of a wine from 13 measurements."""

from dlcore.ui.shell.page import show

TITLE = "Wine recognition"
ICON = ":material/wine_bar:"

show(
    "wine",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.modalities.results:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
'''
OPEN_WINE = """
import contextlib, io, json, pathlib
from streamlit.testing.v1 import AppTest
from dlcore import projects, runs
from dlcore.cli import main

runs.train_here(projects.configure("wine", preset="quick"), pathlib.Path("bundle"))
run_id = runs.import_run(pathlib.Path("bundle")).run_id
for panel in ("data", "train", "results", "predict", "explain"):
    app = AppTest.from_file("app.py", default_timeout=60)
    app.query_params["panel"], app.query_params["run"] = panel, run_id
    app.switch_page("pages/tabular/wine.py")
    app.run()
    assert not app.exception and not app.error, (panel, app.exception, app.error)
    assert app.title[0].value == "Wine recognition" and app.segmented_control(key="panel").value == panel
pathlib.Path("row.csv").write_text("14.23,1.71,2.43,15.6,127,2.8,3.06,0.28,2.29,5.64,1.04,3.92,1065")
out = io.StringIO()
with contextlib.redirect_stdout(out):
    assert not main(["predict", run_id, "--input", "row.csv", "--json"])
assert json.loads(out.getvalue())["label"] == "grower 0", out.getvalue()
"""

NOTES = '''"""Notes on this page."""

import streamlit as st


def notes(project, run):
    """A sentence."""
    st.markdown(f"Notes on {project.title}")
'''
OPEN_PANELS = """
from streamlit.testing.v1 import AppTest

def opened(panel):
    app = AppTest.from_file("app.py", default_timeout=60)
    app.query_params["panel"] = panel
    app.switch_page("pages/vision/fashion.py")
    app.run()
    assert not app.exception, app.exception
    return app

for address in ("predict", "try_it"):
    app = opened(address)
    tabs = app.segmented_control(key="panel")
    assert tabs.value == "predict" and "Ask the model" in tabs.options and "Predict" not in tabs.options, tabs.options
    assert app.query_params["panel"] in (["predict"], "predict")
app = opened("notes")
assert app.segmented_control(key="panel").options[-1] == "Notes"
assert "Notes on" in app.markdown[-1].value
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, with the assets linked."""
    root = tmp_path / "copy"
    root.mkdir()
    for name in ("dlcore", "pages"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", root)
    for name in ("assets", "static", ".streamlit"):
        if (ROOT / name).exists():
            (root / name).symlink_to(ROOT / name)
    return root


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))


def run(root: Path, script: str) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "DLCORE_HOME": str(root.parent / "home"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_model_for_news_is_one_file_and_one_entry(copy):
    (copy / "dlcore/models/bag_of_words.py").write_text(MODEL)
    news = copy / "dlcore/projects/language/news.py"
    replace(news, "    models={\n", "    models={\n" + MODEL_ENTRY)
    replace(
        news,
        "from dlcore.models.news_encoder",
        "from dlcore.models.bag_of_words import BagOfWords, BagOfWordsConfig\nfrom dlcore.models.news_encoder",
    )
    run(copy, TRAIN_MODEL)


def test_tabular_project_opens_all_panels_and_predicts_a_row(copy):
    for path, text in {
        "dlcore/data/wine.py": WINE_LOADER,
        "dlcore/projects/wine.py": WINE_PROJECT,
        "dlcore/ui/modalities/table.py": WINE_MODALITY,
        "pages/tabular/wine.py": WINE_PAGE,
    }.items():
        (copy / path).parent.mkdir(exist_ok=True)
        (copy / path).write_text(text)
    replace(
        copy / "dlcore/data/sources/registry.py", '    "digits": Dataset(\n', WINE_DATASET + '    "digits": Dataset(\n'
    )
    replace(
        copy / "dlcore/projects/registry.py",
        "_MODULES: dict[str, Any] = {\n",
        '_MODULES: dict[str, Any] = {\n    "wine": "dlcore.projects.wine",\n',
    )
    run(copy, OPEN_WINE)


def test_panel_is_renamed_or_added_in_one_line(copy):
    replace(copy / "dlcore/ui/shell/page.py", '"predict": "Predict"', '"predict": "Ask the model"')
    page = copy / "pages/vision/fashion.py"
    page_text = page.read_text()
    line = next(line for line in page_text.splitlines() if '"explain":' in line)
    page.write_text(page_text.replace(line, line + '\n        "notes": "dlcore.ui.pages.fashion_notes:notes",'))
    (copy / "dlcore/ui/pages/fashion_notes.py").write_text(NOTES)
    run(copy, OPEN_PANELS)
