"""Comparisons: runs that are created, listed and stopped together."""

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


def variants(seeds: int = 2):
    rates = {"slow": 1e-3, "fast": 1e-2}
    return {name: [config(seed, learning_rate=rate) for seed in range(seeds)] for name, rate in rates.items()}


def test_comparison_lists_runs_by_variant_in_order(home):
    created = comparisons.create("Two rates", variants(), start=False)
    runs.create(config(7))  # a run outside any comparison
    (listed,) = comparisons.list_comparisons("fashion")
    assert (listed.comparison_id, listed.title, list(listed.variants)) == (
        created.comparison_id,
        "Two rates",
        ["slow", "fast"],
    )
    assert [record.seed for record in listed.variants["fast"]] == [0, 1]
    order = sorted(listed.records, key=lambda record: record.created)
    assert [record.seed for record in order] == [0, 0, 1, 1]  # every variant's first seed, then the second
    assert comparisons.open_comparison(created.comparison_id).records == listed.records
    assert comparisons.list_comparisons("anomaly") == []


def test_deleted_runs_leave_the_comparison_and_the_last_one_removes_it(home):
    comparison = comparisons.create("x", variants(seeds=1), start=False)
    first, second = comparison.records
    runs.delete_run(first.run_id)
    assert comparisons.open_comparison(comparison.comparison_id).records == (second,)
    runs.delete_run(second.run_id)
    with pytest.raises(RunError, match="no comparison"):
        comparisons.open_comparison(comparison.comparison_id)


def test_failed_create_leaves_no_runs(home, monkeypatch):
    create = actions.create
    calls = []

    def third_fails(config, **more):
        calls.append(config)
        if len(calls) == 3:
            raise RequestError("no.")
        return create(config, **more)

    monkeypatch.setattr(actions, "create", third_fails)
    with pytest.raises(RequestError, match="no"):
        comparisons.create("x", variants(), start=False)
    assert runs.list_runs() == []


@pytest.mark.parametrize("configs", [{}, {"a": [None]}, {"a": [None] * 61}])
def test_too_few_and_too_many_runs_are_rejected(home, configs):
    with pytest.raises(RequestError, match="2 to 60"):
        comparisons.create("x", configs)


def test_runs_are_queued_and_stopped_together(home):
    comparison = comparisons.create("x", {"one": [config(seed, epochs=9000) for seed in range(2)]})
    until = time.monotonic() + 90
    while comparison.records[0].state == "queued" and time.monotonic() < until:
        time.sleep(0.2)
        comparison = comparisons.open_comparison(comparison.comparison_id)
    assert [record.state for record in comparison.records] == ["running", "queued"]
    comparisons.stop(comparison)
    done = comparisons.wait(comparison, timeout=60)
    assert [record.state for record in done.records] == ["stopped", "stopped"]


def test_from_runs_groups_by_settings(home):
    first, again = (runs.create(config(seed)).run_id for seed in (0, 1))
    other = runs.create(config(0, learning_rate=1e-2)).run_id
    comparison = comparisons.from_runs([first, other, again])
    assert [[record.run_id for record in records] for records in comparison.variants.values()] == [
        [first, again],
        [other],
    ]
    mixed = comparisons.from_runs([first, "reference:fashion/dense"])
    labels = list(mixed.variants)
    assert labels[0].startswith("Digits, quick") and labels[1].startswith("Fashion mnist, full")
    rates = comparisons.from_runs([first, other])
    assert list(rates.variants) == ["Learning rate 0.001", "Learning rate 0.01"]


def test_comparable_reference_runs_form_a_comparison(home):
    assert len(comparisons.from_references("anomaly").variants) >= 3
    assert comparisons.from_references("backprop") is None
    assert comparisons.from_references("seq2seq") is None  # each of another task
