"""The house's look: one sheet of CSS over the theme of `.streamlit/config.toml`."""

import html
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import streamlit as st


def apply() -> None:
    """Put the sheet on the page; it takes no room."""
    st.html(_sheet())


def subtitle(text: str) -> None:
    """A page's sentence under its title."""
    st.html(f'<p class="dl-lead">{html.escape(text)}</p>')


def summary_row(rows: Iterable[tuple[str, str, str]]) -> None:
    """A row of small facts: what it is, its value, and a note beside the value."""
    cells = (
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}"
        f"{f'<small>{html.escape(note)}</small>' if note else ''}</dd></div>"
        for name, value, note in rows
    )
    st.html(f'<dl class="dl-facts">{"".join(cells)}</dl>')


@lru_cache(maxsize=1)
def _sheet() -> str:
    return f"<style>{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>"
