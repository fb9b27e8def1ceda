"""Paste a PyTorch network: it is checked, trained, evaluated and explained like the built-in ones."""

from dlcore.ui.pages.custom.task import PANELS, find_task
from dlcore.ui.shell.page import show

TITLE = "Your network"
ICON = ":material/code_blocks:"

task = find_task()
show(task, first_panel="code", labels={"code": "Code"}, panels=PANELS[task])
