"""The benchmark of detectors beside the comparison of runs."""

import pytest

from dlcore.projects.anomaly import benchmark
from dlcore.runs import benchmark_report
from dlcore.ui.pages.anomaly.benchmark import METRICS, methods_of, summarize, table


@pytest.fixture(scope="module")
def document():
    return benchmark_report.read()


def test_shipped_result_names_its_command_and_every_detector(document):
    assert document["command"].startswith("dlcore benchmark anomaly ") and document["machine"] and document["made"]
    assert {row["detector"] for row in document["detectors"]} == set(benchmark.TITLES)
    assert benchmark_report.count_labeled(document) == 27


@pytest.mark.parametrize("metric", METRICS)
def test_means_are_those_of_the_series(document, metric):
    for method in methods_of(document, metric):
        assert len(method.scores) == 27 and method.low <= method.mean <= method.high
        if metric != "nab":  # the corpus's NAB weights series by their windows
            assert sum(method.scores.values()) / 27 == pytest.approx(method.mean, rel=1e-3)
    assert table(document, metric).shape == (27, len(document["detectors"]))


def test_summary_names_the_ties(document):
    text = summarize(document)
    assert text.startswith(f"Highest mean VUS-PR: **{document['detectors'][0]['title']}**") and "27 series" in text
    ranks = benchmark_report.ranks_of(document)
    limit = document["detectors"][0]["rank"] + ranks.critical_difference
    for row in document["detectors"][1:]:
        assert (row["title"][1:] in text) == (row["rank"] <= limit)


def test_document_is_read_as_it_was_saved(tmp_path, document):
    benchmark_report.save(document, tmp_path / "one.json")
    assert benchmark_report.read(tmp_path / "one.json") == document
