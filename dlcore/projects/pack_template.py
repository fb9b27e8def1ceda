"""`dlcore pack new`: a copy of the pack in `assets/pack` under another name."""

import re
from pathlib import Path

from dlcore.core.errors import RequestError
from dlcore.core.settings import ASSETS
from dlcore.projects import registry

TEMPLATE = ASSETS / "pack"
NAME = "tiny_pack"
"""Name of the pack in the template, in its files and their names."""


def write(name: str, folder: Path) -> Path:
    """Write the pack `name` into `folder` and return its folder.

    Raises:
        RequestError: the name is no name of a package, is taken by a project, or the folder exists.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) or name in registry.PROJECTS or name == "dlcore":
        raise RequestError(
            f"'{name[:50]}' cannot name a pack: use lower-case letters, digits and _, and no name of a project."
        )
    target = folder / name
    if target.exists():
        raise RequestError(f"{target} exists: choose another name or --folder.")
    for path in sorted(TEMPLATE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / str(path.relative_to(TEMPLATE)).replace(NAME, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8").replace(NAME, name).replace(_title(NAME), _title(name))
            copy.write_text(text, encoding="utf-8")
    return target


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
