"""The Train panel: forms, live view, searches, comparisons."""
