from dlcore.core import progress
from dlcore.runs.execution import _Preparing
from dlcore.runs.metric_log import MemoryMetricLog


def test_reports_reach_the_listener_only_inside_the_block():
    reports = []
    progress.report("before the block", 1, 2)
    with progress.listening(lambda *report: reports.append(report)):
        progress.report("features", 1, 2)
    progress.report("after the block", 2, 2)
    assert reports == [("features", 1, 2)]


def test_preparation_progress_is_logged_at_intervals():
    metric_log = MemoryMetricLog()
    report = _Preparing(metric_log)
    for done in range(100):
        report("Computing the features", done, 1200)
    assert metric_log.fields == {"doing": "Computing the features: 0 of 1,200", "doing_share": 0.0}
