import numpy as np

from dlcore.runs.metric_log import GradientLog, MemoryMetricLog, read_gradients


def test_gradients_round_trip(tmp_path):
    log = GradientLog(tmp_path / "g", ("a", "b"), step=0)
    log.add(1, (0.1, 0.2))
    log.add(20, (0.3, 1 / 3))
    log.flush()
    gradients = read_gradients(tmp_path / "g")
    assert gradients.layers == ("a", "b") and gradients.steps.tolist() == [1, 20]
    assert gradients.norms.tolist() == [[0.1, 0.2], [0.3, 1 / 3]]


def test_resume_drops_steps_that_are_repeated(tmp_path):
    log = GradientLog(tmp_path / "g", ("a",), step=0)
    for step in (10, 20, 30):
        log.add(step, (float(step),))
    log.flush()
    again = GradientLog(tmp_path / "g", ("a",), step=20)
    again.add(30, (-1.0,))
    again.flush()
    gradients = read_gradients(tmp_path / "g")
    assert (gradients.steps.tolist(), gradients.norms[:, 0].tolist()) == ([10, 20, 30], [10.0, 20.0, -1.0])


def test_measures_round_trip_and_survive_a_resume(tmp_path):
    log = GradientLog(tmp_path / "g", ("a", "b"), step=0)
    for step in (10, 20):
        log.add(step, (1.0, 2.0), {"dead_units": (step / 100, None)})
    log.flush()
    GradientLog(tmp_path / "g", ("a", "b"), step=10).flush()
    gradients = read_gradients(tmp_path / "g")
    assert gradients.steps.tolist() == [10]
    np.testing.assert_array_equal(gradients.measures["dead_units"], [[0.1, np.nan]])


def test_steps_without_measures_are_nan(tmp_path):
    log = GradientLog(tmp_path / "g", ("a",), step=0)
    log.add(1, (1.0,), {"update_ratio": (0.5,)})
    log.add(2, (1.0,))
    log.flush()
    np.testing.assert_array_equal(read_gradients(tmp_path / "g").measures["update_ratio"], [[0.5], [np.nan]])


def test_file_with_norms_only_is_read(tmp_path):
    (tmp_path / "g").write_text('{"layers": ["a"]}\n{"step": 1, "norms": [0.5]}\n')
    gradients = read_gradients(tmp_path / "g")
    assert gradients.norms.tolist() == [[0.5]] and gradients.measures == {}


def test_torn_line_is_ignored(tmp_path):
    log = GradientLog(tmp_path / "g", ("a",), step=0)
    log.add(10, (1.0,))
    log.flush()
    with (tmp_path / "g").open("a") as file:
        file.write('{"step": 20, "nor')
    assert read_gradients(tmp_path / "g").steps.tolist() == [10]


def test_empty_log_reads_as_none(tmp_path):
    assert read_gradients(tmp_path / "missing") is None
    GradientLog(tmp_path / "g", ("a",), step=0).flush()
    assert read_gradients(tmp_path / "g") is None


def test_memory_log_stores_curves():
    metric_log = MemoryMetricLog()
    metric_log.log(1, {"batch_loss": 2.0})
    metric_log.log(2, {"batch_loss": 1.0, "learning_rate": 0.1})
    curves = metric_log.history()
    assert curves["batch_loss"].steps.tolist() == [1, 2] and curves["learning_rate"].values.tolist() == [0.1]
