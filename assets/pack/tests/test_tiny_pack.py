"""The contract of every entry of this pack."""

from pathlib import Path

from dlcore.projects.pack_check import check_pack


def test_contract() -> None:
    """No check of `dlcore pack check` fails."""
    rows = check_pack(str(Path(__file__).parents[1]))
    assert rows and not [row for row in rows if row["problem"]]
