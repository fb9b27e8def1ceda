"""Long format: files of time, group and value, with one row per group and time."""

import numpy as np
import pandas as pd

from dlcore.core.errors import ConfigError
from dlcore.data.repairs import Repairs
from dlcore.data.series.samples import Samples
from dlcore.data.tabular.cells import list_names, plural


def select_group(samples: Samples, groups: pd.Series, column: str, repairs: Repairs) -> Samples:
    """Select the rows of one group (N,), which a series needs.

    Raises:
        ConfigError: There is no such group.
    """
    names = tuple(str(name) for name in pd.unique(groups))
    name = repairs.choose(
        "long_format",
        f"The file has {plural(len(names), 'group')} in '{column}' with the same times: choose one for a series, or "
        "add the file as a table (--kind table).",
        names,
        count=len(names),
        example=", ".join(names[:6]),
        free=True,
    )
    if name not in names:
        raise ConfigError(
            f"--repair long_format={name[:40]}: there is no such group; choose one of {', '.join(names[:8])}."
        )
    repairs.record(f"rows of group '{name}' of column '{column}' used, those of {plural(len(names) - 1, 'other')} not")
    return samples.take((groups == name).to_numpy())


def pivot_groups(
    samples: Samples, groups: pd.Series, names: tuple[str, ...], column: str, repairs: Repairs
) -> tuple[Samples, tuple[str, ...]]:
    """Make one column per group and value; rows are sorted by time. Returns the samples and the column names."""
    order = list(dict.fromkeys(groups))
    repairs.choose(
        "long_format",
        f"Each time has a row per group in '{column}': one column per group.",
        ("columns",),
        default="columns",
        count=len(order),
        example=", ".join(order[:6]),
    )
    frame = pd.DataFrame(samples.values, columns=list(names))
    frame["time"], frame["group"], frame["row"] = samples.times, groups.to_numpy(), samples.rows
    keys = ["time", "group"]
    repeated = frame.duplicated(keys)
    how = "first"
    if repeated.any():
        how = repairs.choose(
            "duplicate_times",
            f"{plural(int(repeated.sum()), 'row')} of a group repeat a time.",
            ("mean", "first", "last"),
            default="mean",
            count=int(repeated.sum()),
            where=f"row {samples.rows[int(np.argmax(repeated))]}",
        )
        repairs.record(f"{plural(int(repeated.sum()), 'row')} with a repeated time and group merged ({how})")
    grouped = frame.groupby(keys, sort=True)[list(names)].agg(how)
    wide = grouped.unstack("group")
    pairs = [(name, group) for group in order for name in names if (name, group) in wide.columns]
    titles = tuple(group if len(names) == 1 else f"{group} {name}" for name, group in pairs)
    rows = frame.groupby("time")["row"].min()
    repairs.record(
        f"{plural(len(frame), 'row')} of {plural(len(order), 'group')} in '{column}' turned into "
        f"{plural(len(titles), 'column')}: {list_names(titles)}"
    )
    values = wide[pairs].to_numpy(np.float64)
    return Samples(wide.index.to_numpy(np.int64), values, None, rows.to_numpy(np.int64)), titles
