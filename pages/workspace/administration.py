"""People, jobs and disk of a shared server."""

from dlcore.ui.pages.administration.page import show

TITLE = "Administration"
ICON = ":material/admin_panel_settings:"

show()
