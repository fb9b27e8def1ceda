"""Monitoring from a source to its sinks, and feedback on its alarms."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dlcore import cli, runs
from dlcore.core.errors import RequestError
from dlcore.runs.monitor import sinks
from dlcore.runs.monitor.monitor import MonitorEvents, SeriesMonitor, ThresholdSettings, open_store, propose_feedback
from dlcore.runs.monitor.sources import FollowedFile

RUN = "reference:anomaly/conv"
SPIKES = {100: 400_000, 101: 390_000, 200: 300_000, 300: 250_000}


def write_points(path: Path, points: int = 400) -> None:
    at = np.arange(points)
    values = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
    for place, value in SPIKES.items():
        values[place] = value
    times = np.datetime64("2021-03-01T00:00", "m") + 30 * at
    rows = [f"{time},{value!r}" for time, value in zip(times, values.tolist(), strict=True)]
    path.write_text("\n".join(["time,value", *rows, ""]))


@pytest.fixture
def points(tmp_path: Path) -> Path:
    write_points(tmp_path / "points.csv")
    return tmp_path / "points.csv"


def test_command_sends_each_alarm_once(points: Path, tmp_path: Path, receiver, capsys) -> None:
    script = tmp_path / "note.py"
    script.write_text(
        f"import os, sys\nopen({str(tmp_path / 'notes')!r}, 'a').write(os.environ['DLCORE_ALARM_ID'] + '\\n')"
    )
    command = ["monitor", RUN, "--follow", str(points), "--once", "--webhook", receiver.url, "--gap", "20", "--json"]
    command += ["--command", f"{sys.executable} {script}", "-o", str(tmp_path / "alarms.jsonl")]
    for _ in range(2):
        assert cli.main(command) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["points"] == 400 and result["alarms"] == 3
    alarms = [json.loads(line) for line in (tmp_path / "alarms.jsonl").read_text().splitlines()]
    assert [alarm["start"] for alarm in alarms] == ["2021-03-03T02:00:00", "2021-03-05T04:00:00", "2021-03-07T06:00:00"]
    assert receiver.ids == {alarm["id"]: 1 for alarm in alarms}
    assert (tmp_path / "notes").read_text().split() == [alarm["id"] for alarm in alarms]
    images = Path(result["folder"]) / "images"
    assert {image.stem for image in images.iterdir()} == set(receiver.ids)


def test_alarms_wait_for_a_receiver_that_is_away(points: Path, receiver) -> None:
    warnings: list[str] = []
    receiver.status = 503
    sending = sinks.make_sinks(webhook=[receiver.url])
    monitor = SeriesMonitor(
        runs.open_run(RUN), FollowedFile(points), gap=20, sinks=sending, events=MonitorEvents(warn=warnings.append)
    )
    assert monitor.step() and not receiver.ids
    assert warnings == ["webhook 127.0.0.1: answered 503; the alarm is kept and sent later."]
    receiver.status = 200
    monitor.close()
    assert len(receiver.ids) == 3


def test_a_time_far_in_the_future_is_said(points: Path) -> None:
    text = points.read_text().splitlines()
    points.write_text("\n".join([*text[:200], "2099-01-01T00:00,1", *text[200:], ""]))
    warnings: list[str] = []
    events = MonitorEvents(warn=warnings.append)
    monitor = SeriesMonitor(runs.open_run(RUN), FollowedFile(points), events=events)
    for _ in range(2):
        monitor.step()
        text = [line.replace("2021-03", "2021-04") for line in text]
        with points.open("a") as file:
            file.write("\n".join([*text[1:], ""]))
    monitor.follow(once=True)
    assert len(warnings) == 1 and "earlier than 2099-01-01 00:00:00" in warnings[0]


def test_new_sink_gets_no_old_alarms(points: Path, receiver) -> None:
    SeriesMonitor(runs.open_run(RUN), FollowedFile(points), gap=20).follow(once=True)
    sending = sinks.make_sinks(webhook=[receiver.url])
    SeriesMonitor(runs.open_run(RUN), FollowedFile(points), gap=20, sinks=sending).follow(once=True)
    assert not receiver.ids


def test_one_monitor_a_source_and_the_same_settings(points: Path) -> None:
    first = SeriesMonitor(runs.open_run(RUN), FollowedFile(points))
    with pytest.raises(RequestError, match="another process monitors"):
        SeriesMonitor(runs.open_run(RUN), FollowedFile(points))
    first.follow(once=True)
    with pytest.raises(RequestError, match="another threshold"):
        SeriesMonitor(runs.open_run(RUN), FollowedFile(points), threshold=ThresholdSettings("rolling"))
    monitor = SeriesMonitor(
        runs.open_run(RUN), FollowedFile(points), threshold=ThresholdSettings("rolling"), restart=True
    )
    monitor.follow(once=True)
    assert monitor.summary()["points"] == 400


def test_feedback_shows_its_effect_then_applies(points: Path, capsys) -> None:
    base = ["monitor", RUN, "--follow", str(points), "--gap", "20", "--json"]
    assert cli.main([*base, "--once"]) == 0
    marked = ["--false-alarm", "2021-03-07T06:00", "--confirmed", "2021-03-03T02:00"]
    assert cli.main([*base, *marked]) == 0
    effect = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (effect["alarms_before"], effect["alarms_after"], effect["applied"]) == (3, 2, False)
    assert effect["removed"] == ["2021-03-07T06:00:00.000"]
    store = open_store(runs.open_run(RUN), str(points.resolve()))
    assert store.factor == 1.0
    assert cli.main([*base, *marked, "--apply"]) == 0
    assert store.factor == pytest.approx(effect["factor"]) and effect["factor"] > 1
    write_points(points, 440)  # the same beginning: only the last points are new
    with points.open("a") as file:
        file.write("2021-03-10T04:00,250000\n2021-03-10T04:30,400000\n")
    assert cli.main([*base, "--once"]) == 0
    assert len(open_store(runs.open_run(RUN), str(points.resolve())).alarms.rows) == 4
    with pytest.raises(RequestError, match="no stored point"):
        propose_feedback(store, false=["2031-01-01"], gap=20)


@pytest.mark.filterwarnings("ignore:'imghdr'")  # apprise imports it on Python 3.11 and 3.12
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--follow", "nowhere.csv"], "no such file"),
        (["--folder", "nowhere"], "no such folder"),
        (["--url", "ftp://x"], "http"),
        (["--replay", "nothing"], "--replay"),
        (["--replay", "nyc_taxi", "--webhook", "x"], "--webhook"),
        (["--replay", "nyc_taxi", "--command", "'"], "--command"),
        (["--replay", "nyc_taxi", "--notify", "nosuchservice://x"], "--notify"),
        (["--replay", "nyc_taxi", "-o", "no/folder/x.jsonl"], "-o no/folder"),
        (["--replay", "nyc_taxi", "--threshold", "rolling", "--rate", "2"], "rate"),
        (["--replay", "nyc_taxi", "--false-alarm", "abc"], "nothing is stored"),
        ([], "required"),
    ],
)
def test_bad_requests_are_one_line(arguments: list[str], message: str, capsys) -> None:
    assert cli.main(["monitor", RUN, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_run_that_raises_no_alarms_is_refused(capsys) -> None:
    assert cli.main(["monitor", "reference:forecast/lstm", "--replay", "nyc_taxi"]) == 2
    assert "raises no alarms" in capsys.readouterr().err


def test_settings_file_names_the_sinks(tmp_path: Path, capsys) -> None:
    path = tmp_path / "monitor.toml"
    path.write_text("webhook = 'https://example.org/hook'\ncommand = ['true', 'echo x']\n")
    assert sinks.read_settings(path) == {"webhook": ["https://example.org/hook"], "command": ["true", "echo x"]}
    path.write_text("threshold = 3\n")
    assert cli.main(["monitor", RUN, "--replay", "nyc_taxi", "--settings", str(path)]) == 2
    assert "'threshold' is not a setting" in capsys.readouterr().err


def test_missing_apprise_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(RequestError, match="pip install apprise"):
        sinks.make_sinks(notify=["json://localhost"])


@pytest.mark.filterwarnings("ignore:'imghdr'")
def test_apprise_sends(receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    apprise = pytest.importorskip("apprise")
    sent: list[str] = []
    monkeypatch.setattr(apprise.Apprise, "notify", lambda self, **texts: sent.append(texts["body"]) or True)
    sink = sinks.make_sinks(notify=["json://localhost"])[0]
    sink.send({"id": "1", "series": "s", "start": "2021", "reason": "Score 2 above 1."})
    assert sent == ["Score 2 above 1."]
