"""The frame around every page: menu, title, run picker, styles, errors."""
