"""Build hook: puts the app's files into the wheel. An editable install reads them from the checkout instead."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("app.py", "pages", "assets", ".streamlit")


class BundledFiles(BuildHookInterface):
    """Copies `BUNDLED` into `dlcore/_bundled`, where `dlcore.core.settings` looks for them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to every build but an editable one."""
        if version != "editable":
            build_data["force_include"].update({name: f"dlcore/_bundled/{name}" for name in BUNDLED})
