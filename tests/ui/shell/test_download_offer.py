"""Instructions for datasets that cannot be downloaded."""

from dlcore.data.sources import locate as sources
from dlcore.ui.shell.download_offer import manual_folders


def test_dataset_is_found_where_the_instructions_say(tmp_path, monkeypatch):
    text = manual_folders(sources.get_dataset("food11"))
    assert all(f"`{part}`" in text for part in ("training", "validation", "evaluation", "food-11", "DLCORE_DATA"))
    assert "class_number.jpg" in text and "`images` and `meta`" in manual_folders(sources.get_dataset("food101"))
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    for part in ("training", "validation", "evaluation"):
        (tmp_path / "food-11" / part).mkdir(parents=True)
    assert sources.find("food11") == tmp_path / "food-11"


def test_single_file_is_named_without_a_list():
    assert manual_folders(sources.get_dataset("food101_mini")).startswith(
        "Put `food101_10x120.zip` into a folder `food101-mini`"
    )
