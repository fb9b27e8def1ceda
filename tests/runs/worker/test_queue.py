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
