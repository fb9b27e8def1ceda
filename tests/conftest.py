"""Shared by all tests: a temporary home, one thread per process, reasons of skipped tests in the summary."""

import importlib.util
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `tiny_bert` and `dataset_marks` are shared by several folders
os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads than processors slow every test down

import pytest

ROOT = Path(__file__).resolve().parents[1]
MISSING = "data missing"
"""Start of the skip reason of a test whose dataset is missing."""


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A fresh DLCORE_HOME."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DLCORE_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _temporary_home(tmp_path_factory, monkeypatch):
    """Keep tests away from the user's runs."""
    if "DLCORE_HOME" not in os.environ or not os.environ["DLCORE_HOME"].startswith(str(tmp_path_factory.getbasetemp())):
        monkeypatch.setenv("DLCORE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Order the tiers and mark tests that need datasets, before pytest applies `-m`.

    Quick tests run first and browser tests last: Playwright keeps an event loop in a greenlet of the main thread, which
    breaks SQLAlchemy and asyncio.run.
    """
    items.sort(key=lambda item: 2 if item.get_closest_marker("browser") else bool(item.get_closest_marker("faults")))
    for item in items:
        if os.environ.get("DLCORE_DATA") and item.get_closest_marker("anydata"):
            item.add_marker(pytest.mark.realdata)
        for mark in item.iter_markers("realdata"):
            _skip_without(mark.args, item)


def _skip_without(names: tuple[str, ...], item: pytest.Item) -> None:
    if not names or importlib.util.find_spec("dlcore") is None:
        return
    from dlcore.data.sources import locate

    missing = [name for name in names if not locate.is_available(name)]
    if missing:
        item.add_marker(pytest.mark.skip(reason=f"{MISSING}: {', '.join(missing)} (set DLCORE_DATA)"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail a test that skips itself because a dataset is missing, unless it is marked `realdata`."""
    report = yield
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if MISSING in reason and item.get_closest_marker("realdata") is None:
        report.outcome, report.longrepr = "failed", f"{reason}, but this test is not marked realdata"
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep each module in one process, except the long one that opens every panel."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if "browser/test_panels.py" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_terminal_summary(terminalreporter):
    """Print how many tests were skipped for each reason."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"{count} skipped: {reason}")
