"""Content-Security-Policy of every response: scripts, styles and data come from this server only.

An inline script runs only if it is one of ours, by its hash; text that became HTML cannot run. Not covered:
style attributes (Streamlit and Plotly set them, so styles may be inline), scripts in `blob:` addresses (Streamlit wraps
a component's script in one; only a running script can make one), and links that a person follows.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SCRIPTS: list[str] = _INLINE.findall((Path(st.__file__).parent / "static" / "index.html").read_text("utf-8"))


def inline_script(script: str) -> str:
    """Allow a script of ours; return its element for `st.html`. Call it when a module is imported."""
    _SCRIPTS.append(script)
    return f"<script>{script}</script>"


@cache
def policy() -> str:
    """Return the value of the header."""
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPTS)
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "frame-ancestors 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )


class SecurityHeaders:
    """Middleware that adds the policy to every response: pages, components, static and media files."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy()
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, send_with_policy)


MIDDLEWARE = [Middleware(SecurityHeaders)]
