"""Text from outside (labels, file names, cells, messages) inside Markdown."""

import re

from dlcore.core.errors import one_line

_SIGNS = re.compile(r"([\\`*_\[\]<>#|~$&]|:(?=[a-zA-Z])|^[-+=](?=\s|$|[-=])|(?<=^\d)[.)]|(?<=^\d\d)[.)])")
_ADDRESS = re.compile(r"(?<=:)(?=//|\d*[a-z+-][\w+/-]*:|1(?:00|234):)|(?<=www)(?=\.)|(?<=\w@)(?=\w)", re.IGNORECASE)
_JOINER = "\u2060"


def as_text(text: object) -> str:
    """Return text on one line that Markdown shows as it is: no emphasis, link, HTML, formula, icon or color.

    An invisible joiner keeps addresses from becoming links and `:name:` from becoming an icon: neither has an escape.
    """
    line = " ".join(str(text).split())
    return _SIGNS.sub(r"\\\1", _ADDRESS.sub(_JOINER, line))


def error_line(error: BaseException) -> str:
    """Return the message of an error on one line, for Markdown: it may quote a file."""
    return as_text(one_line(error))
