"""Comparisons: runs that belong together, made whole or not at all, found again, stopped together."""

import time

import pytest

from dlcore import projects, runs
from dlcore.core.errors import RequestError, RunError
from dlcore.runs import actions, comparisons

TINY = {"epochs": 1, "train_rows": 100, "learning_rate": 1e-3}


def config(seed: int = 0, **settings):
    return projects.configure(
        "fashion", dataset="digits", preset="quick", seed=seed, device="cpu", settings=TINY | settings
    )


def arms(seeds: int = 2):
    rates = {"slow": 1e-3, "fast": 1e-2}
    return {arm: [config(seed, learning_rate=rate) for seed in range(seeds)] for arm, rate in rates.items()}


def test_runs_of_a_comparison_are_found_by_arm_in_order(home):
    made = comparisons.create("Two rates", arms(), start=False)
    runs.create(config(7))  # a run on its own
    (found,) = comparisons.list_comparisons("fashion")
    assert (found.comparison_id, found.title, list(found.variants)) == (
        made.comparison_id,
        "Two rates",
        ["slow", "fast"],
    )
    assert [record.seed for record in found.variants["fast"]] == [0, 1]
    order = sorted(found.records, key=lambda record: record.created)
    assert [record.seed for record in order] == [0, 0, 1, 1]  # every arm's first seed, then the second
    assert comparisons.open_comparison(made.comparison_id).records == found.records
    assert comparisons.list_comparisons("anomaly") == []


def test_a_deleted_run_is_gone_from_it_and_the_last_one_ends_it(home):
    made = comparisons.create("x", arms(seeds=1), start=False)
    first, second = made.records
    runs.delete_run(first.run_id)
    assert comparisons.open_comparison(made.comparison_id).records == (second,)
    runs.delete_run(second.run_id)
    with pytest.raises(RunError, match="no comparison"):
        comparisons.open_comparison(made.comparison_id)


def test_one_run_that_cannot_be_had_leaves_none(home, monkeypatch):
    made = actions.create
    calls = []

    def third_fails(config, **more):
        calls.append(config)
        if len(calls) == 3:
            raise RequestError("no.")
        return made(config, **more)

    monkeypatch.setattr(actions, "create", third_fails)
    with pytest.raises(RequestError, match="no"):
        comparisons.create("x", arms(), start=False)
    assert runs.list_runs() == []


@pytest.mark.parametrize("wanted", [{}, {"a": [None]}, {"a": [None] * 61}])
def test_too_few_and_too_many_are_refused(home, wanted):
    with pytest.raises(RequestError, match="2 to 60"):
        comparisons.create("x", wanted)


def test_it_goes_through_the_queue_and_is_stopped_together(home):
    made = comparisons.create("x", {"one": [config(seed, epochs=9000) for seed in range(2)]})
    until = time.monotonic() + 90
    while made.records[0].state == "queued" and time.monotonic() < until:
        time.sleep(0.2)
        made = comparisons.open_comparison(made.comparison_id)
    assert [record.state for record in made.records] == ["running", "queued"]
    comparisons.stop(made)
    done = comparisons.wait(made, timeout=60)
    assert [record.state for record in done.records] == ["stopped", "stopped"]


def test_chosen_runs_are_taken_together_by_their_settings(home):
    first, again = (runs.create(config(seed)).run_id for seed in (0, 1))
    other = runs.create(config(0, learning_rate=1e-2)).run_id
    found = comparisons.from_runs([first, other, again])
    assert [[record.run_id for record in records] for records in found.variants.values()] == [[first, again], [other]]
    mixed = comparisons.from_runs([first, "reference:fashion/dense"])
    assert list(mixed.variants) == ["dense", "dense (reference)"]


def test_reference_runs_make_one_where_there_are_several(home):
    assert len(comparisons.from_references("anomaly").variants) >= 3
    assert comparisons.from_references("backprop") is None
    assert comparisons.from_references("seq2seq") is None  # each of another task
