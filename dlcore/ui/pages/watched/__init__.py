"""Page Watched runs: training loops outside the workbench, and runs imported from other trackers."""
