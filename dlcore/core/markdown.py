"""Text of a person's file inside Markdown."""

import re


def escape_markdown(text: str) -> str:
    """Return text on one line that Markdown shows as it is: no emphasis, link, HTML, formula, icon or color."""
    return re.sub(r"([\\`*_\[\]<>#|~$]|:(?=[a-z]))", r"\\\1", " ".join(text.split()))
