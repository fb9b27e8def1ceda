"""Quotas of a shared server: one line each when refused; nothing is limited otherwise."""

import json
import os
import time

import pytest

from dlcore.core import access, quotas
from dlcore.core.access import ANONYMOUS, MACHINE, Viewer
from dlcore.core.errors import RequestError

ANNA = Viewer("anna@example.org")


@pytest.fixture
def server(home, monkeypatch):
    settings = home.parent / "shared.toml"
    settings.write_text("running_jobs = 2\nstored_gb = 0.001\ncompute_seconds = 100\ncompute_days = 1\n")
    monkeypatch.setenv(access.SHARED, str(settings))
    return home


def run(home, kind, name, owner, size):
    folder = home / kind / name
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps({"owner": owner, "state": "finished"}))
    (folder / "weights").write_bytes(b"x" * size)


def refusal(check, *args):
    with pytest.raises(RequestError) as caught:
        check(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_jobs_of_a_person_are_limited(server):
    with access.acting_as(ANNA):
        quotas.check_start(1)
        assert "2 queued or running jobs" in refusal(quotas.check_start, 2)
    with access.acting_as(MACHINE):
        quotas.check_start(1000)


def test_storage_counts_runs_searches_trash_and_datasets_of_the_person(server):
    with access.acting_as(ANNA):
        run(server, "runs", "a", ANNA.name, 400_000)
        run(server, "runs", "b", "boris@example.org", 5_000_000)
        quotas.check_storage()
        run(server, "searches", "search-c", ANNA.name, 200_000)
        run(server, "trash", "d", ANNA.name, 200_000)
        quotas.check_storage()
        data = access.personal_home() / "custom" / "data"
        data.mkdir(parents=True)
        (data / "values").write_bytes(b"x" * 250_000)
        assert "you store 0.00 GB, and this server allows 0.001 GB" in refusal(quotas.check_storage)
        assert 1_050_000 < quotas.stored_bytes(ANNA.name) < 1_052_000
    assert quotas.disk_use()["boris@example.org"] > 5_000_000


def test_compute_counts_seconds_times_devices_in_the_period(server):
    with access.acting_as(ANNA):
        clocks = quotas._clocks(ANNA.name)
        clocks.mkdir(parents=True)
        now = time.time()
        for name, start, end, devices in (
            ("old", now - 90_000, now - 86_500, 1),  # before the period
            ("recent", now - 60, now - 40, 2),
            ("half", now - 86_410, now - 86_395, 1),
        ):
            file = clocks / f"{name}.json"
            file.write_text(json.dumps({"time": start, "devices": devices}))
            os.utime(file, (end, end))
        (clocks / "torn.json").write_text("{")
        assert quotas.compute_seconds(ANNA.name) == pytest.approx(45, abs=1)
        quotas.check_start(0)
        file = clocks / "more.json"
        file.write_text(json.dumps({"time": now - 60, "devices": 1}))
        assert "of compute in the last 1 days" in refusal(quotas.check_start, 0)


def test_worker_is_paused_once_when_the_compute_is_used(server, monkeypatch):
    monkeypatch.setattr(quotas, "TICK_SECONDS", 0.02)
    (server.parent / "shared.toml").write_text("compute_seconds = 0.1\n")
    calls = []
    with access.acting_as(ANNA):
        with quotas.measure_compute("token", devices=3, on_limit=lambda: calls.append(True)):
            deadline = time.monotonic() + 10
            while not calls and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(0.1)
        assert calls == [True] and quotas.compute_seconds(ANNA.name) >= 0.1
        assert "compute" in refusal(quotas.check_start, 0)


def test_nothing_is_measured_without_sharing(home, monkeypatch):
    monkeypatch.delenv(access.SHARED, raising=False)
    with quotas.measure_compute("token", devices=1, on_limit=lambda: None):
        quotas.check_start(10**6)
        quotas.check_storage()
    assert not (home / "people").exists()


def test_folder_names_of_people_differ_and_hold_no_path():
    names = ["a@b.c", "a@b-c", "../..", "/etc", "ä", ""]
    folders = [access.folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all("/" not in folder and ".." not in folder for folder in folders)


def test_anonymous_visitors_have_no_folder(server):
    with access.acting_as(ANONYMOUS):
        refusal(access.personal_home)
