"""All runs of all projects: search, compare, annotate, delete."""

from dlcore.ui.pages.runs.page import show

TITLE = "Runs"
ICON = ":material/table_rows:"

show()
