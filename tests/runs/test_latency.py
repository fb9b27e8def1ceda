"""Latencies: measured while no run is active, and recalled while one is."""

import json
import time
from dataclasses import replace

import pytest

from dlcore import projects, runs
from dlcore.core import settings
from dlcore.inference.cost import Latencies
from dlcore.runs import latency


@pytest.fixture
def bundles():
    return {run.record.model: run.finished_bundle for run in runs.references("vit")}


def set_measurement(monkeypatch, *, seconds: float, is_quiet: bool = True, in_use: bool = False):
    monkeypatch.setattr(latency, "_measure", lambda models: Latencies(dict.fromkeys(models, seconds), is_quiet))
    monkeypatch.setattr(latency, "is_machine_in_use", lambda: in_use)


def test_no_latency_is_measured_while_a_run_is_active(home, monkeypatch, bundles):
    set_measurement(monkeypatch, seconds=0.5, in_use=True)
    assert latency.measure_or_recall(bundles) == latency.ModelLatencies({}, None, latency.ACTIVE)
    set_measurement(monkeypatch, seconds=0.002)
    quiet = latency.measure_or_recall(bundles)
    assert quiet.seconds == dict.fromkeys(bundles, 0.002) and quiet.remark == ""
    assert time.time() - quiet.measured < 60
    set_measurement(monkeypatch, seconds=0.5, in_use=True)
    assert latency.measure_or_recall(bundles) == quiet  # measured before the run, also after a restart: from the file


def test_latency_measured_under_load_is_shown_but_not_kept(home, monkeypatch, bundles):
    set_measurement(monkeypatch, seconds=0.5, is_quiet=False)
    busy = latency.measure_or_recall(bundles)
    assert set(busy.seconds.values()) == {0.5} and busy.remark == latency.BUSY
    assert not (settings.home() / latency.FILE).exists()


def test_quiet_latency_is_not_replaced_by_one_under_load(home, monkeypatch, bundles):
    first = dict(list(bundles.items())[:1])
    set_measurement(monkeypatch, seconds=0.002)
    latency.measure_or_recall(first)
    set_measurement(monkeypatch, seconds=0.5, is_quiet=False)
    shown = latency.measure_or_recall(bundles)
    assert shown.seconds[next(iter(first))] == 0.002 and 0.5 in shown.seconds.values()


@pytest.mark.parametrize("damage", ["not json", '{"hardware": "another processor", "models": {}}', '{"models": [1]}'])
def test_unreadable_or_foreign_latencies_are_measured_again(home, monkeypatch, bundles, damage):
    (settings.home()).mkdir(parents=True, exist_ok=True)
    (settings.home() / latency.FILE).write_text(damage)
    set_measurement(monkeypatch, seconds=0.004)
    assert set(latency.measure_or_recall(bundles).seconds.values()) == {0.004}
    assert json.loads((settings.home() / latency.FILE).read_text())["hardware"] == latency._hardware()


def test_machine_is_in_use_while_a_run_trains(home, monkeypatch):
    record = runs.create(projects.configure("fashion", dataset="digits", device="cpu"))
    assert not latency.is_machine_in_use()  # it waits, without a process
    monkeypatch.setattr(latency, "list_active", lambda: [replace(record, state="running")])
    assert latency.is_machine_in_use()
