"""Page style: one CSS file on top of the theme in `.streamlit/config.toml`, and one for the presentation mode.

A rule for what follows `:root:has(...)` would make the browser restyle the page whenever a chart measures a text.
"""

import html
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import streamlit as st


def apply(*, presenting: bool = False) -> None:
    """Add the style sheet to the page, and what marks the presentation mode."""
    st.html(_sheet("style") + (f'{_sheet("presenting")}<div class="dl-presenting"></div>' if presenting else ""))


def subtitle(text: str) -> None:
    """Draw the sentence under a page's title."""
    st.html(f'<p class="dl-lead">{html.escape(text)}</p>')


def summary_row(rows: Iterable[tuple[str, str, str]]) -> None:
    """Draw a row of labeled values, each with a note."""
    st.html(_values(rows, "dl-facts"))


def run_line(sentence: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Draw what a page is for, and labeled values of its run in one line."""
    st.html(f'<div class="dl-head"><p class="dl-lead">{html.escape(sentence)}</p>{_values(rows, "dl-run")}</div>')


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int, label: str) -> str:
    """Return an HTML table that scrolls; the columns from `numbers_from` on are aligned to the right."""

    def cells(texts: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=dl-number' if place >= numbers_from else ''}>{html.escape(text)}</{tag}>"
            for place, text in enumerate(texts)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    head = f"<thead><tr>{cells(columns, 'th')}</tr></thead>"
    region = f'class="dl-table" tabindex="0" role="region" aria-label="{html.escape(label)}"'
    return f"<div {region}><table>{head}<tbody>{body}</tbody></table></div>"


def _values(rows: Iterable[tuple[str, str, str]], name: str) -> str:
    cells = (
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}"
        f"{f'<small>{html.escape(note)}</small>' if note else ''}</dd></div>"
        for name, value, note in rows
    )
    return f'<dl class="{name}">{"".join(cells)}</dl>'


@lru_cache(maxsize=2)
def _sheet(name: str) -> str:
    files = [Path(__file__).with_name(f"{name}.css")]
    if name == "style":
        files.append(Path(__file__).parents[1] / "components/figure_menu/figure_menu.css")  # reports have it too
    return f"<style>{''.join(file.read_text(encoding='utf-8') for file in files)}</style>"
