"""The replay of the anomaly page: points arrive, alarms are listed, feedback shows its effect before it is applied."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core.settings import ROOT
from dlcore.runs.monitor import sources
from dlcore.ui.shell.menu import find_pages


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(sources, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def app() -> AppTest:
    page = next(page for page in find_pages() if page.slug == "anomaly")
    opened = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {"panel": "predict", "anomaly-input": "Replay", "run": "reference:anomaly/conv"}.items():
        opened.query_params[name] = value
    opened.switch_page(str(page.path.relative_to(ROOT)))
    return opened.run()


def test_replay_grows_lists_alarms_and_takes_feedback(app: AppTest, clock: list[float]) -> None:
    assert not app.exception and not app.error
    assert app.toggle(key="replay-play").value is True
    app.selectbox(key="replay-speed").set_value(7 * 86_400.0)
    app.toggle(key="replay-play").set_value(True).run()
    for _ in range(2):
        clock[0] += 10
        app.run()
    assert not app.exception and not app.error
    progress = app.get("progress")[0].proto.text
    assert progress.startswith("6,722 of 10,320 points")  # 20 s of a week a second, one point before and one at once
    session = app.session_state["replay-session"][1]
    assert len(session.alarms) >= 1 and f"{len(session.alarms)} alarms" in progress
    app.toggle(key="replay-play").set_value(False).run()
    before = session.detector.factor
    session.marks[session.alarms[0].id] = "false"
    app.run()
    assert any("Threshold +" in info.value for info in app.info)
    assert session.detector.factor == before
    app.button(key="replay-apply").click().run()
    assert not app.exception and session.detector.factor > before and not session.marks
