"""What a page shows in each of its five panels; every panel is `panel(project, run)`."""
