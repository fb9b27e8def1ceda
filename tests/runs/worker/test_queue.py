import time
from dataclasses import asdict

import pytest

from dlcore.runs.folder import of_run, write_json
from dlcore.runs.worker import liveness, queue


def live(run_id):
    folder = of_run(run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    liveness.sign_in(folder, "token")


def dead(run_id):
    folder = of_run(run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    write_json(
        folder.worker, asdict(liveness.WorkerInfo("token", time.time(), pid=2**22 - 3, host=liveness.this_host()))
    )


def never():
    return False


def test_queue_is_first_in_first_out(home):
    for run_id in ("a", "b", "c"):
        live(run_id)
        queue.join(run_id, "cpu")
    assert [queue.runs_ahead(run_id, "cpu") for run_id in ("a", "b", "c")] == [[], ["a"], ["a", "b"]]
    with queue.wait_turn("a", "cpu", keep_waiting=never):
        with pytest.raises(queue.WithdrawnError), queue.wait_turn("b", "cpu", keep_waiting=never):
            pass
        queue.join("b", "cpu")  # back in line, now behind c
    with pytest.raises(queue.WithdrawnError), queue.wait_turn("b", "cpu", keep_waiting=never):
        pass
    with queue.wait_turn("c", "cpu", keep_waiting=never):
        pass


def test_dead_workers_do_not_block_the_queue(home):
    dead("a"), live("b")
    queue.join("a", "cpu"), queue.join("b", "cpu")
    with queue.wait_turn("b", "cpu", keep_waiting=never):
        assert queue.runs_ahead("b", "cpu") == []


def test_devices_do_not_wait_for_each_other(home):
    live("a"), live("b")
    queue.join("a", "cuda:0"), queue.join("b", "cuda:1")
    with queue.wait_turn("a", "cuda:0", keep_waiting=never), queue.wait_turn("b", "cuda:1", keep_waiting=never):
        pass


def test_a_run_on_several_gpus_waits_for_each(home):
    live("a"), live("b")
    queue.join("a", "cuda:1"), queue.join("b", "cuda:0", devices=2)
    waits = pytest.raises(queue.WithdrawnError)
    with (
        queue.wait_turn("a", "cuda:1", keep_waiting=never),
        waits,
        queue.wait_turn("b", "cuda:0", devices=2, keep_waiting=never),
    ):
        pass


def test_lost_ticket_does_not_let_two_workers_run(home):
    live("a"), live("b")
    queue.join("a", "cpu")
    with queue.wait_turn("a", "cpu", keep_waiting=never):
        queue.leave("a")  # somebody cleared the folder: the kernel's lock still holds
        queue.join("b", "cpu")
        with pytest.raises(queue.WithdrawnError), queue.wait_turn("b", "cpu", keep_waiting=never):
            pass


def test_people_of_a_shared_server_take_turns(home, monkeypatch):
    monkeypatch.setenv("DLCORE_SHARED", "settings.toml")
    runs = [("a1", "anna"), ("a2", "anna"), ("a3", "anna"), ("b1", "boris"), ("b2", "boris"), ("c1", "clara")]
    for run_id, owner in runs:
        live(run_id)
        queue.join(run_id, "cpu", owner=owner)
    assert queue.runs_ahead("a3", "cpu") == ["a1", "b1", "c1", "a2", "b2"]
    order = []
    waiting = [run_id for run_id, _ in runs]
    while waiting:
        served = next(run_id for run_id in waiting if not queue.runs_ahead(run_id, "cpu"))
        with queue.wait_turn(served, "cpu", keep_waiting=never):
            assert all(queue.runs_ahead(other, "cpu")[0] == served for other in waiting if other != served)
            time.sleep(0.01)  # the clock of the file system
        order.append(served)
        waiting.remove(served)
        if served == "b1":  # a newcomer does not wait for all runs of the others
            live("d1")
            queue.join("d1", "cpu", owner="dora")
            waiting.append("d1")
    assert order == ["a1", "b1", "c1", "d1", "a2", "b2", "a3"]


def test_run_with_one_of_its_devices_comes_first_on_all(home, monkeypatch):
    monkeypatch.setenv("DLCORE_SHARED", "settings.toml")
    for run_id, owner, devices in (("a", "anna", 2), ("b", "boris", 2)):
        live(run_id)
        queue.join(run_id, "cuda:0", devices=devices, owner=owner)
    with queue.wait_turn("a", "cuda:0", devices=2, keep_waiting=never):
        assert queue.runs_ahead("b", "cuda:1") == ["a"]
    live("a2")
    queue.join("a2", "cuda:1", owner="anna")
    with queue._hold("b", queue._place("cuda:0"), never):  # it waits for cuda:1, and boris was served last
        assert queue.runs_ahead("a2", "cuda:1") == ["b"]
