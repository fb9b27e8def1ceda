"""The workbench in the browser: finds the pages, builds the menu, runs the chosen one.

    streamlit run app.py

Streamlit imports this file once, when the server starts, and finds `app`; then it runs it for every visitor.
"""

from pathlib import Path

import streamlit as st

from dlcore.ui.shell import app as shell
from dlcore.ui.shell import error_boundary, preload, server

if __name__ == "__main__":
    shell.run(Path(__file__).parent / "pages")
else:
    server.prepare()
    app = st.App(__file__, on_script_error=error_boundary.show_error, middleware=preload.MIDDLEWARE)
