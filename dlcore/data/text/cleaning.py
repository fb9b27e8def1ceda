"""Cleaning of texts: HTML tags, entities, control characters and extra spaces; words stay whole."""

import html
import re

_LINES = (
    "address article aside audio blockquote body br button canvas caption center col colgroup dd details dialog dir "
    "div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html iframe img "
    "input legend li link main menu meta nav noscript object ol optgroup option p pre script section select style "
    "summary table tbody td textarea tfoot th thead title tr ul video"
)
_INLINE = (
    "a abbr acronym b bdi bdo big blink cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp "
    "small span strike strong sub sup time tt u var wbr"
)
LINE_ELEMENTS, INLINE_ELEMENTS = frozenset(_LINES.split()), frozenset(_INLINE.split())
"""Elements that divide words, and those inside a line: `H<sub>2</sub>O` is one word."""
_FLAGS = "async|autoplay|checked|compact|controls|defer|disabled|hidden|ismap|loop|multiple|muted|noshade|nowrap"
_VALUE = r"""(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|[^\s"'<>=`][^\s<>]{0,2000})"""
_ATTRIBUTE = rf"(?:[a-z_:@][\w:.@-]*\s*=\s*{_VALUE}|{_FLAGS})"
_TAG = re.compile(rf"</?([a-z][a-z0-9]{{0,9}})(?:\s+{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)
_END_TAG = re.compile(r"</([a-z][a-z0-9]{0,9})\s*>")
"""Tags: `</b>`, `<b>`, `<br />`, `<a href="...">`, but not `a<b and b>c`."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_JOINED = "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Myanmar and Khmer: a zero-width space is the border of two words."""
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    f"|(?<![{_JOINED}])\u200b|\u200b(?![{_JOINED}])"
    "|(?<![\U0001f000-\U0001faff\u2190-\u2bff\ufe0f])\u200d|\u200d(?![\U0001f000-\U0001faff\u2190-\u2bff])"
    "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+"
)
"""Soft hyphens, joiners, direction and byte-order marks, as BERT's cleaning drops them; emoji sequences keep theirs."""


def clean_text(text: str) -> str:
    """Remove HTML tags, entities, control and invisible characters, and extra spaces.

    Only tags of HTML elements in valid syntax are tags: `if a<b and b>c` stays. An invisible character or an inline tag
    inside a word leaves one word.
    """
    plain = html.unescape(text)
    if "<" in plain:
        plain = _remove_tags(plain)
    plain = _CONTROLS.sub(" ", plain)
    return " ".join((plain if plain.isascii() else _INVISIBLE.sub("", plain)).split())


def _remove_tags(text: str) -> str:
    ended = set(_END_TAG.findall(text.lower()))

    def replace(match: re.Match[str]) -> str:
        tag, name = match[0], match[1].lower()
        if name in LINE_ELEMENTS:
            return " "
        if name not in INLINE_ELEMENTS:
            return tag
        if not (text[match.start() - 1 : match.start()].isalnum() and text[match.end() : match.end() + 1].isalnum()):
            return " "
        is_comparison = len(tag) == len(name) + 2 and name not in ended  # a<b>c
        return tag if is_comparison else ""

    return _TAG.sub(replace, text)
