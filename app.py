"""The workbench in the browser: finds the pages, builds the menu, runs the chosen one.

streamlit run app.py
"""

from pathlib import Path

from dlcore.ui.shell import run

run(Path(__file__).parent / "pages")
