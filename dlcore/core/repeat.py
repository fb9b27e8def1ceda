"""A function that a thread calls again and again."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeating(function: Callable[[], None], *, seconds: float, name: str) -> Iterator[None]:
    """Call a function every few seconds from a thread called `name`, until the block ends."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(seconds):
            function()

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
