from dlcore.core import progress
from dlcore.runs.execution import _Preparing
from dlcore.runs.metric_log import MemoryMetricLog


def test_reports_reach_whoever_listens_and_nobody_else():
    result = []
    progress.report("nobody listens", 1, 2)
    with progress.listening(lambda *said: result.append(said)):
        progress.report("features", 1, 2)
    progress.report("nobody listens any more", 2, 2)
    assert result == [("features", 1, 2)]


def test_a_run_tells_what_it_prepares_but_not_at_every_picture():
    metric_log = MemoryMetricLog()
    report = _Preparing(metric_log)
    for done in range(100):
        report("Computing the features", done, 1200)
    assert metric_log.fields == {"doing": "Computing the features: 0 of 1,200"}
