"""A dataset that must be put there by hand: what is said of where it is looked for is where it is found."""

from dlcore.data.sources import locate as sources
from dlcore.ui.shell.download_offer import manual_folders


def test_where_a_set_is_looked_for_is_said_whole(tmp_path, monkeypatch):
    result = manual_folders(sources.get_dataset("food11"))
    assert all(f"`{part}`" in result for part in ("training", "validation", "evaluation", "food-11", "DLCORE_DATA"))
    assert "class_number.jpg" in result and "`images` and `meta`" in manual_folders(sources.get_dataset("food101"))
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    for part in ("training", "validation", "evaluation"):
        (tmp_path / "food-11" / part).mkdir(parents=True)
    assert sources.find("food11") == tmp_path / "food-11"


def test_one_file_is_named_alone():
    assert manual_folders(sources.get_dataset("food101_mini")).startswith(
        "Put `food101_10x120.zip` into a folder `food101-mini`"
    )
