"""Labels drawn by hand are stored with the dataset and read back."""

import numpy as np
import pytest

from dlcore.core import settings
from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.series import manual_labels
from dlcore.data.series.series import LabeledWindow

pytestmark = pytest.mark.usefixtures("home")
LABELS = (LabeledWindow(1_609_718_400_000, 1_609_718_460_000, "label 1"), LabeledWindow(10, 30, "label 2"))


@pytest.mark.parametrize("dataset", ["nyc_taxi", "custom:mine", "custom:removed"])
def test_labels_are_stored_by_dataset_to_the_millisecond(dataset):
    if dataset == "custom:mine":
        registry.save(CustomDataset("mine", "series", 9, "0" * 64), lambda folder: None, reserved=())
    assert manual_labels.load(dataset) == ()
    manual_labels.save(dataset, LABELS)
    assert manual_labels.load(dataset) == LABELS
    assert manual_labels.load("custom:other") == ()
    if dataset == "custom:mine":
        assert (registry.require("mine", "series").folder / manual_labels.FILE).exists()
    else:
        assert any((settings.home() / "labels").iterdir())
    manual_labels.save(dataset, ())
    assert manual_labels.load(dataset) == ()


def test_the_downloaded_file_is_read_back_and_another_series_is_rejected():
    times = np.arange(0, 100, 10)
    payload = manual_labels.to_csv(LABELS[1:]).encode()
    assert manual_labels.read_file(payload, times) == LABELS[1:]
    with pytest.raises(DataError, match="lies outside the series"):
        manual_labels.read_file(payload, times + 10_000)


def test_a_damaged_file_gives_no_labels():
    manual_labels.save("nyc_taxi", LABELS)
    (settings.home() / "labels" / "nyc_taxi.csv").write_bytes(b"\x00\xff")
    assert manual_labels.load("nyc_taxi") == ()
