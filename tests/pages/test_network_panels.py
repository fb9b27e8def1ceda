"""Page Your network: every panel of runs of networks in many styles, for images, texts, tables and series."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.projects.custom import source

sys.path.insert(0, str(Path(__file__).parents[1] / "projects" / "custom"))
from network_styles import ALL, save_datasets

FIRST = {project: name for project, _, name, _ in reversed(ALL)}
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")  # of a network here
PANELS = ("code", "data", "train", "results", "predict", "explain")


@pytest.fixture(autouse=True)
def unlimited(monkeypatch, tmp_path):
    """Keep the limits of custom code away from the test process; the code of these tests does no harm."""
    monkeypatch.setattr("dlcore.projects.custom.limits.apply", lambda **_: None)
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    save_datasets()


@pytest.mark.parametrize(
    ("project", "dataset", "name", "text"),
    [pytest.param(*case, id=case[2], marks=() if FIRST[case[0]] == case[2] else pytest.mark.slow) for case in ALL],
)
def test_every_panel_opens(project, dataset, name, text, tmp_path):
    settings = {"epochs": 1, **({"rows": 300} if project == "custom_text" else {})}
    config = projects.configure(
        project,
        model=source.save(source.parse_text(text), project),
        dataset=dataset,
        preset="quick",
        device="cpu",
        settings=settings,
    )
    runs.train_here(config, tmp_path / "bundle")
    run_id = runs.import_run(tmp_path / "bundle").run_id
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page("pages/workspace/custom.py")
    for panel in PANELS:
        app.query_params.clear()
        app.query_params["run"], app.query_params["open"] = run_id, panel
        app.run()
        faults = [str(error.value) for error in (*app.error, *app.exception)]
        assert not faults, (panel, faults)
        assert app.session_state["panel"] == panel
