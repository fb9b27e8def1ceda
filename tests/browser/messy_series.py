"""The Data panel of the anomaly page with the importer of `messy_importer`, for `test_import_form.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import streamlit as st
from messy_importer import IMPORTER

from dlcore import projects
from dlcore.data.custom.importers import IMPORTERS
from dlcore.ui.pages.anomaly.data import data
from dlcore.ui.shell import style

IMPORTERS["series"] = IMPORTER
st.set_page_config(layout="wide")
style.apply()
st.title("Series")
data(projects.get("anomaly"), None)
