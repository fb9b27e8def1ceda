"""Figure of failure rates in behavioral tests."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import plotly.graph_objects as go

from dlcore.plots.palette import ORDER
from dlcore.plots.style import blank


class Rate(Protocol):
    """Failed cases of one capability."""

    @property
    def capability(self) -> str:
        """Name of the capability."""
        ...

    @property
    def kind_title(self) -> str:
        """Kind of test."""
        ...

    @property
    def failed(self) -> int:
        """Number of failed cases."""
        ...

    @property
    def n(self) -> int:
        """Number of cases."""
        ...

    @property
    def rate(self) -> float:
        """Share of failed cases."""
        ...

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share."""
        ...


def failure_rates(rates: Mapping[str, Sequence[Rate]]) -> go.Figure:
    """Plot failure rates in percent by capability, a bar per model (V,) with its 95 % interval."""
    keys = list(dict.fromkeys((rate.capability, rate.kind_title) for rows in rates.values() for rate in rows))
    capabilities = [capability for capability, _ in keys]
    names = [name if capabilities.count(name) == 1 else f"{name}: {kind}" for name, kind in keys]
    height = 90 + len(keys) * max(25, 12 * len(rates) + 6)
    figure = blank("", x="failed cases, %", y="", height=height)
    for place, (model, rows) in enumerate(rates.items()):
        by_key = {(rate.capability, rate.kind_title): rate for rate in rows}
        known = [(name, by_key[key]) for name, key in zip(names, keys, strict=True) if key in by_key]
        values = [100 * rate.rate for _, rate in known]
        ends = [rate.interval for _, rate in known]
        figure.add_bar(
            y=[name for name, _ in known],
            x=values,
            name=model,
            orientation="h",
            marker={"color": ORDER[place % len(ORDER)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [100 * high - value for (_, high), value in zip(ends, values, strict=True)],
                "arrayminus": [value - 100 * low for (low, _), value in zip(ends, values, strict=True)],
                "thickness": 1,
                "width": 2,
            },
            customdata=[[rate.failed, rate.n, rate.kind_title] for _, rate in known],
            hovertemplate="%{y}, %{customdata[2]}: %{customdata[0]} of %{customdata[1]} failed (%{x:.1f} %)<extra>"
            + model
            + "</extra>",
        )
    figure.update_layout(barmode="group", bargap=0.25, margin={"t": 30}, showlegend=len(rates) > 1)
    figure.update_xaxes(range=[0, 102])
    figure.update_yaxes(type="category", autorange="reversed")
    return figure
