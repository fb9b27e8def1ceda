"""The app's entry point: builds the menu from `pages/` and runs the selected page.

    dlcore app            # or: streamlit run app.py

Streamlit imports this file once at server start and finds `app`; then it runs the file for every visitor.
"""

from pathlib import Path

import streamlit as st

from dlcore.ui.components import mount
from dlcore.ui.shell import app as shell
from dlcore.ui.shell import error_boundary, preload, security, server

if __name__ == "__main__":
    shell.run(Path(__file__).parent / "pages")
else:
    server.prepare()
    app = st.App(
        __file__,
        routes=mount.static_routes(),
        middleware=[*security.MIDDLEWARE, *preload.MIDDLEWARE],
        on_script_error=error_boundary.show_error,
    )
