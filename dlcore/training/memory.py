"""One clear error for memory that ran short, whatever torch or Python called it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dlcore.core.errors import OutOfMemoryError


@contextmanager
def catch_out_of_memory(batch_size: int, device: str) -> Iterator[None]:
    """Turn a shortage of memory inside the block into one error that says what to try.

    Raises:
        OutOfMemoryError: the device's or the machine's memory did not suffice.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(batch_size, device) from error
    except RuntimeError as error:  # torch has no class of its own for the processor's memory
        if "can't allocate memory" in str(error) or "out of memory" in str(error):
            raise OutOfMemoryError(batch_size, device) from error
        raise
