"""What all tests share: a home of their own, one thread, and a last word on what was skipped and why."""

import importlib.util
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `tiny_bert` is shared by several folders
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two cores: more threads than that cost far more than their share

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A fresh DLCORE_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DLCORE_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """No test ever touches the runs of the person who runs it."""
    if "DLCORE_HOME" not in os.environ or not os.environ["DLCORE_HOME"].startswith(str(tmp_path_factory.getbasetemp())):
        monkeypatch.setenv("DLCORE_HOME", str(tmp_path_factory.mktemp("home")))


def pytest_collection_modifyitems(items):
    """Quick tests first, the browser last: Playwright keeps a loop in a greenlet of the main thread, where SQLAlchemy
    and asyncio.run break. Full datasets may be missing on a user's machine: say which tests wait for them."""
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else bool(item.get_closest_marker("faults")))
    for item in items:
        mark = item.get_closest_marker("realdata")
        if mark and importlib.util.find_spec("dlcore"):
            from dlcore.data.sources import locate as sources

            missing = [name for name in mark.args if not sources.is_available(name)]
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"data not here: {', '.join(missing)} (set DLCORE_DATA)"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Modules stay whole, each in one process, but for the one that opens every panel: it is as long as all others."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if "browser/test_panels.py" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_terminal_summary(terminalreporter):
    """The closing lines: how many tests were skipped, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")
