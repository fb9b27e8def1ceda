"""Find the pages by reading the page files' text, without importing them."""

import ast
import contextlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dlcore.core import packs
from dlcore.core.settings import ROOT

PAGES = ROOT / "pages"
SECTIONS = {
    "foundations": "Foundations",
    "vision": "Vision",
    "series": "Series",
    "language": "Language",
}
"""Folders of `pages/` in teaching order, with their headings; other folders come last."""
LESSONS = ("anatomy", "backprop", "rnn", "attention", "fashion", "gradients", "architectures", "food", "vit")
"""Pages in teaching order; the others of a section come after them, by title."""
WORKSPACE = "workspace"
"""Folder of the pages without a project, listed after Home in the menu."""


ADMINISTRATION = "administration"
"""Name of the page that only administrators of a shared server have."""


@dataclass(frozen=True)
class PageFile:
    """One page, as the menu and the home page list it: `summary` is the file's docstring."""

    slug: str
    section: str
    title: str
    icon: str
    summary: str
    path: Path


def heading(section: str) -> str:
    """Return a section's display name."""
    return SECTIONS.get(section, section.replace("_", " ").capitalize())


@lru_cache(maxsize=4)
def find_pages(folder: Path = PAGES) -> tuple[PageFile, ...]:
    """Return the page of every project below `folder`, `<section>/<slug>.py`, in teaching order."""
    order = list(SECTIONS)
    pages = [_read(path) for path in folder.glob("*/*.py") if not path.name.startswith("_")]
    if folder.resolve() == PAGES.resolve():
        pages += _pages_of_packs({page.slug for page in pages})
    pages = [page for page in pages if page.section != WORKSPACE]
    return tuple(
        sorted(
            pages,
            key=lambda page: (
                order.index(page.section) if page.section in order else len(order),
                LESSONS.index(page.slug) if page.slug in LESSONS else len(LESSONS),
                page.title,
            ),
        )
    )


def _pages_of_packs(slugs: set[str]) -> list[PageFile]:
    """Return the readable pages of packs, without those of a slug that another page has."""
    pages: dict[str, PageFile] = {}
    for folder in packs.page_folders():
        for path in sorted(folder.glob("*/*.py")):
            if path.name.startswith("_") or path.stem in slugs or path.stem in pages:
                continue
            with contextlib.suppress(SyntaxError, ValueError, OSError):
                pages[path.stem] = _read(path)
    return list(pages.values())


@lru_cache(maxsize=4)
def workspace_pages(folder: Path = PAGES) -> tuple[PageFile, ...]:
    """Return the pages that show no project, by title."""
    pages = [_read(path) for path in (folder / WORKSPACE).glob("*.py") if not path.name.startswith("_")]
    return tuple(sorted((page for page in pages if page.slug != ADMINISTRATION), key=lambda page: page.title))


@lru_cache(maxsize=4)
def administration_page(folder: Path = PAGES) -> PageFile:
    """Return the page that only administrators of a shared server have."""
    return _read(folder / WORKSPACE / f"{ADMINISTRATION}.py")


def page_of(slug: str) -> PageFile | None:
    """Return the page of a project; None if it has none. Tasks of the user's networks share one page."""
    pages, slug = (*find_pages(), *workspace_pages()), "custom" if slug.startswith("custom_") else slug
    return next((page for page in pages if page.slug == slug), None)


def title_of(slug: str) -> str:
    """Return a project's title in the menu, or its slug in words if it has no page."""
    page = page_of(slug)
    return page.title if page else slug.replace("_", " ").capitalize()


def _read(path: Path) -> PageFile:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    return PageFile(
        slug=path.stem,
        section=path.parent.name,
        title=str(constants.get("TITLE", path.stem.replace("_", " ").capitalize())),
        icon=str(constants.get("ICON", ":material/science:")),
        summary=(ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " "),
        path=path,
    )
