"""Versions of a dataset: decisions as CSV, and what they change in texts and images."""

import numpy as np
import pytest

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry, texts, versions
from dlcore.data.custom.decisions import Decision, read_csv, write_csv
from dlcore.data.images import images

pytestmark = pytest.mark.usefixtures("home")
LABELS = ("hardware", "network")


def tickets():
    rows = "".join(f"ticket number {n} about a thing,{LABELS[n % 2]}\n" for n in range(30))
    return texts.IMPORTER.save("tickets", texts.IMPORTER.preview(f"text,label\n{rows}".encode()))


SPLITS = {"train": np.arange(20), "validation": np.arange(20, 25), "test": np.arange(25, 30)}


def save(entry, decisions, name="better", **options):
    base = (entry.dataset, entry.checksum)
    return versions.save_version(name, base, SPLITS, decisions, kind="text", labels=LABELS, **options)


def test_csv_round_trip():
    decisions = [
        Decision("train", 3, "hardware", "network", "relabel", "network"),
        Decision("validation", 7, '=cmd, "x"\n', "network", "exclude"),
        Decision("test", 1, "hardware", "network", "confirm"),
    ]
    undecided = Decision("train", 4, "hardware", "network")
    read = read_csv(write_csv([*decisions, undecided]), labels=LABELS)
    first = read[0]
    assert (first.part, first.row, first.decision, first.target) == ("train", 3, "relabel", "network")
    assert len(read) == 3


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("train,1,a,b,rename,", "column 'decision'"),
        ("train,-1,a,b,confirm,", "column 'row'"),
        ("middle,1,a,b,confirm,", "column 'part'"),
        ("train,1,a,nonsense,relabel,", "column 'suggested'"),
        ("train,1,a,network,relabel,nonsense", "column 'new_label'"),
        ("train,1,a,network,exclude,\nvalidation,1,a,network,exclude,", "twice"),
    ],
)
def test_bad_line_is_named(line, word):
    with pytest.raises(DataError, match=word):
        read_csv(f"part,row,label,suggested,decision,new_label\n{line}\n".encode(), labels=LABELS)
    with pytest.raises(DataError, match="lack column"):
        read_csv(b"part,row\n1,2\n", labels=LABELS)


def test_version_of_texts_has_new_labels_and_the_splits_of_the_run():
    entry = tickets()
    version = save(
        entry,
        [
            Decision("train", 0, "hardware", "network", "relabel"),
            Decision("validation", 21, "network", "hardware", "exclude"),
            Decision("test", 26, "hardware", "network", "relabel"),
            Decision("train", 2, "hardware", "network", "confirm"),
        ],
    )
    before, after = texts.load("tickets"), texts.load("better", checksum=version.checksum)
    assert after.rows.tolist() == [row for row in range(30) if row != 21]
    assert after.labels[0] == 1 and before.labels[0] == 0
    assert np.array_equal(after.labels[1:21], before.labels[1:21])
    assert np.array_equal(after.labels[after.test], before.labels[25:])  # test labels never change
    assert after.rows[after.test].tolist() == list(range(25, 30)) and after.rows[after.validation].tolist() == [
        20,
        22,
        23,
        24,
    ]
    assert version.receipt[1:] == ("labels changed: 1", "samples left out: 1", "labels confirmed: 1")
    assert versions.find_base(version.dataset) == entry.dataset


def test_version_of_a_version():
    entry = tickets()
    first = save(entry, [Decision("train", 0, "hardware", "network", "relabel")])
    second = save(first, [Decision("train", 1, "network", "hardware", "relabel")], name="best")
    assert texts.load("best").labels[:2].tolist() == [1, 0]
    assert versions.find_base(second.dataset) == entry.dataset
    registry.remove("tickets")
    with pytest.raises(DataError, match="tickets"):
        texts.load("best")


def test_decisions_that_change_nothing_or_name_no_sample_are_rejected():
    entry = tickets()
    with pytest.raises(RequestError, match="no decision"):
        save(entry, [Decision("train", 0, "hardware", "network", "confirm"), Decision("test", 26, "a", "b", "exclude")])
    with pytest.raises(DataError, match="row 24"):
        save(entry, [Decision("train", 24, "hardware", "network", "exclude")])
    assert len(registry.list_datasets()) == 1


def test_version_of_images_marks_what_it_leaves_out():
    data = images.load("digits")
    splits = {"train": np.arange(100), "validation": np.arange(100, 120), "test": np.arange(len(data.test_labels))}
    decisions = [
        Decision("train", 5, "", "", "exclude"),
        Decision("train", 6, data.names[data.labels[6]], data.names[(data.labels[6] + 1) % 10], "relabel"),
    ]
    versions.save_version("digits-2", ("digits", ""), splits, decisions, kind="images", labels=data.names)
    after = images.load("custom:digits-2")
    assert 5 not in after.usable_rows and 6 in after.usable_rows and after.usable_rows.max() < 120
    assert (
        after.labels[6] == (data.labels[6] + 1) % 10 and (np.delete(after.labels, 6) == np.delete(data.labels, 6)).all()
    )
    train, validation = after.split_rows(0.1, seed=0)
    assert len(validation) == 20 and set(train) | set(validation) <= set(range(120)) - {5}
