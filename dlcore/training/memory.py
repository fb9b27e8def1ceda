"""One clear error for memory that ran short, whatever torch or Python called it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dlcore.core.errors import MemoryShortError


@contextmanager
def shortage(batch_size: int, device: str) -> Iterator[None]:
    """Turn a shortage of memory inside the block into one error that says what to try.

    Raises:
        MemoryShortError: the device's or the machine's memory did not suffice.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise MemoryShortError(batch_size, device) from error
    except RuntimeError as error:  # torch has no class of its own for the processor's memory
        if "can't allocate memory" in str(error) or "out of memory" in str(error):
            raise MemoryShortError(batch_size, device) from error
        raise
