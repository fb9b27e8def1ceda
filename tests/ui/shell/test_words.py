"""Texts on pages: states, times, summaries, command lines."""

import time
from typing import get_args

import pytest

from dlcore import projects, runs
from dlcore.evaluation.metrics import baseline_title, format_metric, summarize
from dlcore.projects import Evaluation
from dlcore.projects.command import command_line
from dlcore.runs import Best, Record, State
from dlcore.ui.pages.anomaly.scores import describe_comparison, get_smoothing, select_baselines
from dlcore.ui.shell import jobs_bar, states, times
from dlcore.ui.shell.titles import summarize_run
from dlcore.ui.widgets import run_actions


def record(state: State = "running", **more) -> Record:
    return Record("abcdef0123456789", "anomaly", "conv", "nyc_taxi", state, **more)


def test_every_state_has_a_distinct_word_sign_and_icon():
    assert set(states.STATE_STYLE) == set(get_args(State))
    for part in ("word", "sign", "icon"):
        values = [getattr(style, part) for style in states.STATE_STYLE.values()]
        assert len(set(values)) == len(values)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("queued", ["Pause", "Stop"]),
        ("running", ["Pause", "Stop"]),
        ("paused", ["Resume"]),
        ("interrupted", ["Resume"]),
        ("failed", ["Resume"]),
        ("stopped", ["Resume"]),
        ("finished", []),
    ],
)
def test_actions_of_each_state(state, names):
    assert [action.name for action in run_actions.actions(record(state))] == names


def test_paused_run_with_a_best_epoch_can_be_stopped():
    paused = record("paused", best=Best(2, "validation_loss", 0.1))
    assert [action.name for action in run_actions.actions(paused)] == ["Resume", "Stop"]


def test_reference_run_has_no_actions():
    assert run_actions.actions(Record("reference:anomaly/conv", "anomaly", "conv", "nyc_taxi", "finished")) == []


def test_state_description_includes_the_reason():
    assert states.describe_state(record("failed", reason="out of memory on cpu")) == "Out of memory on cpu."
    assert states.describe_state(record("paused")) == states.STATE_STYLE["paused"].meaning


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (200, "3 min 20 s"), (3000, "50 min"), (7500, "2 h 5 min")]
)
def test_durations_have_at_most_two_units(seconds, words):
    assert times.format_duration(seconds) == words


def test_remaining_time_is_extrapolated():
    assert times.format_remaining(25, 100, 10.0) == "about 30 s left"
    assert times.format_remaining(0, 100, 0.0) == ""
    assert times.format_remaining(100, 100, 10.0) == ""


def test_ages_below_a_minute_are_just_now():
    assert times.format_age(time.time() - 20) == times.format_age(time.time() - 40) == "just now"


def test_progress_names_the_current_epoch():
    running = record(epoch=2, epochs=8, step=20, steps=80, duration_s=10.0)
    assert jobs_bar.progress_text(running) == "epoch 3 of 8, about 30 s left"
    assert jobs_bar.progress_text(record("paused", epoch=2, epochs=8)) == "2 of 8 epochs done"
    assert jobs_bar.fraction(running) == 0.25


def test_summary_includes_the_best_baseline_of_its_metric():
    evaluation = Evaluation(
        metrics={"accuracy": 0.9, "accuracy_low": 0.88, "accuracy_high": 0.92, "loss": 0.3},
        baselines={"majority_class": {"accuracy": 0.1}, "nearest_centroid": {"accuracy": 0.95}},
    )
    top = summarize(evaluation.metrics, evaluation.baselines)
    assert (top.metric, top.value, top.low, top.high) == ("accuracy", 0.9, 0.88, 0.92)
    assert (baseline_title(top.baseline), top.baseline_value, top.outcome) == ("Nearest class mean", 0.95, "worse")
    assert format_metric("accuracy", 0.9) == "90.0 %"


def test_header_and_results_of_an_anomaly_run_name_the_same_best_baseline():
    run = runs.open_run("reference:anomaly/calendar")
    evaluation = run.bundle.evaluation
    top = summarize_run(run)
    smoothing = get_smoothing(run)
    values = {name: row["nab_standard"] for name, row in select_baselines(evaluation, smoothing).items()}
    assert top.metric == "nab_standard" and top.baseline == max(values, key=values.get)
    assert f"against {format_metric(top.metric, top.baseline_value)}" in describe_comparison(
        evaluation, smoothing, smoothing
    )


def test_summary_of_event_detection_is_threshold_free():
    evaluation = Evaluation(metrics={"f1": 0.1, "auc_pr": 0.4, "events_hit": 3.0}, baselines={"naive": {"auc_pr": 0.3}})
    assert summarize(evaluation.metrics, evaluation.baselines).metric == "auc_pr"


def test_summary_without_a_known_metric_is_none():
    assert summarize({}, {}) is None


def test_command_line_has_the_changed_settings():
    config = projects.configure("anomaly", model="conv", preset="quick", settings={"batch_size": 32}, seed=3)
    words = command_line(config).split()
    assert words[:5] == ["python", "-m", "dlcore", "train", "anomaly"]
    assert words[words.index("--seed") + 1] == "3"
    assert words[words.index("--set") + 1] == "batch_size=32"
    assert words.count("--set") == 1
