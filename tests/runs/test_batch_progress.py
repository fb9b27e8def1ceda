from dlcore.runs.batch.output import BatchProgress


def test_progress_names_rows_share_and_time_left() -> None:
    done = BatchProgress(rows=3_000, errors=2, position=30, total=120, unit="bytes")
    assert done.describe(10.0, since=0) == "3,000 rows, 25%, 30 s left, 2 with an error"
    assert done.describe(10.0, since=20) == "3,000 rows, 25%, 1 min 30 s left, 2 with an error"
    assert done.describe(0.0, since=30) == "3,000 rows, 25%, 2 with an error"
    photos = BatchProgress(rows=7, position=7, total=7, unit="photos")
    assert photos.describe(5.0, since=0) == "7 of 7 photos, 100%"
    assert BatchProgress(rows=1, position=1, total=10_000, unit="rows").describe(1.0, since=0).endswith("2.8 h left")
