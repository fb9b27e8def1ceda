"""Reports: one HTML file that shows one or several runs, opens from a disk and loads nothing."""
