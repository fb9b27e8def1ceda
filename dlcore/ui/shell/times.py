"""Format durations and times for display."""

import time


def format_duration(seconds: float) -> str:
    """Format a duration in its two largest units: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 and whole % 60 else f"{whole // 60} min"
    hours, seconds_left = divmod(whole, 3600)
    return f"{hours} h {seconds_left // 60} min" if hours < 48 else f"{hours // 24} days"


def format_age(moment: float) -> str:
    """Format how long ago an epoch time was."""
    passed = time.time() - moment
    if passed < 60:
        return "just now"
    minutes = int(passed // 60)
    return f"{minutes} min ago" if minutes < 60 else f"{format_duration(passed)} ago"


def format_remaining(step: int, steps: int, spent: float) -> str:
    """Format the estimated remaining time; empty before there is an estimate."""
    if step <= 0 or steps <= step or spent <= 0:
        return ""
    return f"about {format_duration(spent / step * (steps - step))} left"
