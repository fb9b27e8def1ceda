"""Import of custom pairs: saved completely or not at all, and split without overlap."""

import pytest

from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import pairs as custom_pairs
from dlcore.data.custom import registry as custom
from dlcore.data.text.sequences import SplitSizes

ROWS = [(f"word {n}", f"drow-{n}") for n in range(120)]
CSV = "\n".join(["read,write", *(f"{a},{b}" for a, b in ROWS)])


def test_saved_pairs_are_loaded_again(home):
    entry = custom_pairs.IMPORTER.save("mine", custom_pairs.IMPORTER.preview(CSV.encode()), source="mine.csv")
    assert (entry.dataset, entry.rows, entry.kind) == ("custom:mine", 120, "pairs")
    assert custom_pairs.load("custom:mine", checksum=entry.checksum) == ROWS
    with pytest.raises(DataError, match="differs from the one"):
        custom_pairs.load("custom:mine", checksum="0" * 64)
    with pytest.raises(RequestError, match="already"):
        custom_pairs.IMPORTER.save("mine", custom_pairs.IMPORTER.preview(CSV.encode()))
    assert custom.list_datasets("pairs") == [custom.find("mine")]


def test_quotes_tabs_and_duplicate_inputs_are_handled():
    rows = "\n".join(f'"A, b{n}"\t"x\ty{n}"' for n in range(100))
    pairs = custom_pairs.IMPORTER.preview(f'a\tb\n{rows}\n"A, b0"\tother\n'.encode()).data
    assert len(pairs) == 100 and pairs[0] == ("a, b0", "x\ty0")


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"a,b,c\n1,2,3", "line 1 has 3 columns"),
        (CSV.encode() + b"\nx,", "line 122, column 'write': it is empty"),
        (CSV.encode() + b"\nx,y,z", "line 122 has 3 cells"),
        (CSV.encode() + b"\nx," + b"y" * 121, "121 characters"),
        (CSV.encode() + b'\n"x,y', "line 122"),
        (b"a,b\n1,2", "1 different pairs"),
        (b"a,b\n\xff,2", "not UTF-8"),
        (b"a,b\n\0,2", "zero byte"),
        (b"", "line 1 has 0 columns"),
    ],
)
def test_invalid_file_is_rejected_with_its_line(payload, word):
    with pytest.raises(DataError, match=word) as raised:
        custom_pairs.IMPORTER.preview(payload)
    assert "\n" not in str(raised.value)


def test_splits_are_disjoint_and_the_test_split_is_the_same_for_every_seed():
    first, other = (custom_pairs.split_pairs(ROWS, SplitSizes(1000, 50, 2000, 12, 0), seed=seed) for seed in (0, 1))
    assert [len(part) for part in (first.train, first.validation, first.test)] == [84, 12, 24]
    sources = [set(part.sources) for part in (first.train, first.validation, first.test)]
    assert len(sources[0] | sources[1] | sources[2]) == 120
    assert first.test == first.test and first.test.sources == other.test.sources
    assert first.train.sources != other.train.sources
