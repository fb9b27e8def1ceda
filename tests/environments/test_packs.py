"""A pack: built to a wheel, installed without a network beside dlcore, trained, and removed without a trace."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

pytestmark = [pytest.mark.environments, pytest.mark.timeout(280)]
ROOT = Path(__file__).parents[2]
WITHIN = 120_000


def execute(*arguments: str, cwd: Path = ROOT, home: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DLCORE_DATA")}
    environment |= {"OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if home is not None:
        environment["DLCORE_HOME"] = str(home)
    done = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment with dlcore and the packages of this one, in which the pack is installed from its wheel."""
    folder = tmp_path_factory.mktemp("packs")
    venv.create(folder / "env", with_pip=False)
    python, home = str(folder / "env" / "bin" / "python"), folder / "home"
    packages = Path(execute(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (packages / "packages.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    before = sorted(packages.iterdir())
    execute(python, "-m", "dlcore", "pack", "new", "star_pack", "--folder", str(folder), home=home)
    source = folder / "star_pack"
    execute(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=source)
    wheel = next((source / "dist").glob("*.whl"))
    pip = (sys.executable, "-m", "pip", "--python", python)
    execute(*pip, "install", "--no-index", "--no-deps", str(wheel))

    def dlcore(*arguments: str) -> str:
        return execute(python, "-m", "dlcore", *arguments, home=home)

    return SimpleNamespace(python=python, home=home, packages=packages, before=before, pip=pip, dlcore=dlcore)


def test_contract_of_the_installed_pack(installed):
    rows = json.loads(installed.dlcore("pack", "check", "star_pack", "--json"))
    assert len(rows) > 20 and not [row for row in rows if row["problem"]]


def test_command_line_trains_what_the_pack_adds(installed, tmp_path):
    request = ("star_pack", "--preset", "quick", "--bundle", str(tmp_path / "own"), "--json")
    result = json.loads(installed.dlcore("train", *request))
    metrics = result["metrics"]
    assert metrics["accuracy"] > 0.6
    assert metrics["star_pack_top2_low"] <= metrics["star_pack_top2"] <= metrics["star_pack_top2_high"]
    request = ("fashion", "--model", "star_pack", "--dataset", "star_pack_shapes", "--preset", "quick")
    settings = ("--set", "units=8", "--set", "epochs=2", "--bundle", str(tmp_path / "other"), "--json")
    assert json.loads(installed.dlcore("train", *request, *settings))["metrics"]["accuracy"] > 0.2


def test_browser_trains_the_project_of_the_pack(installed):
    pytest.importorskip("playwright")
    import server
    from playwright.sync_api import expect

    if server.find_browser() is None:
        pytest.skip("no browser")
    with server.browser() as chromium, server.server(installed.home, python=installed.python) as address:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        server.visit(page, f"{address}/star_pack?panel=train")
        expect(page.locator(".st-key-menu").get_by_text("Star pack")).to_be_visible(timeout=WITHIN)
        page.get_by_role("button", name="Train", exact=True).click(timeout=WITHIN)
        page.wait_for_url(re.compile(r"run=[0-9a-f]{12}"), timeout=WITHIN)
        run = re.search(r"run=([0-9a-f]{12})", page.url).group(1)
        badge = page.locator("[data-testid=stMarkdownContainer] .stMarkdownBadge", has_text="Finished").first
        expect(badge).to_be_visible(timeout=WITHIN)
        server.visit(page, f"{address}/star_pack?panel=results&run={run}")
        expect(page.get_by_text("Accuracy").first).to_be_visible(timeout=WITHIN)
        server.visit(page, f"{address}/star_pack?panel=explain&run={run}")
        page.get_by_text("Input x gradient").first.click(timeout=WITHIN)
        expect(page.get_by_text("Input times gradient of the logit")).to_be_visible(timeout=WITHIN)
        assert page.get_by_role("alert").count() == 0


def test_removed_pack_leaves_no_trace(installed):
    execute(*installed.pip, "uninstall", "-y", "star_pack")
    assert sorted(installed.packages.iterdir()) == installed.before
    assert "star_pack" not in installed.dlcore("projects", "--json")
    assert "star_pack" not in installed.dlcore("models", "fashion", "--json")
    assert json.loads(installed.dlcore("pack", "list", "--json")) == []
    installed.dlcore("runs", "list")  # of the removed project
    script = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=120).run()
for page in ("pages/workspace/runs.py", "pages/vision/fashion.py"):
    assert not app.exception and not app.error and not app.warning, (app.exception, app.error)
    app.switch_page(page).run()
assert not app.exception and not app.error, (app.exception, app.error)
"""
    execute(installed.python, "-c", script, home=installed.home)
