"""HTML from Python: tags are ours, every other value becomes text."""

import html
from collections.abc import Iterable, Sequence

_VOID = ("img", "meta", "br")


class Markup(str):
    """HTML that `tag` built."""


def tag(name: str, /, *children: object, **attributes: str) -> Markup:
    """Return an element; children that are no markup become text. `class_` is class, `data_kind` is data-kind."""
    values = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"' for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{values}>")
    return Markup(f"<{name}{values}>{join(children)}</{name}>")


def join(children: Iterable[object]) -> Markup:
    """Return children one after the other; those that are no markup become text."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(str(child)) for child in children))


def table(header: Sequence[object], rows: Iterable[Sequence[object]], *, label: str) -> Markup:
    """Return a table that scrolls sideways; the first cell of a row is its header."""
    head = any(header) and tag("tr", *(cell if _is_header(cell) else tag("th", cell, scope="col") for cell in header))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    content = tag("table", *([tag("thead", head)] if head else []), tag("tbody", *body))
    return tag("div", content, class_="dlr-scroll", tabindex="0", role="region", aria_label=label)


def _is_header(cell: object) -> bool:
    return isinstance(cell, Markup) and cell.startswith("<th")
