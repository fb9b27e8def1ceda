"""Turn out-of-memory errors of torch and Python into one clear error."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dlcore.core.errors import OutOfMemoryError


@contextmanager
def catch_out_of_memory(batch_size: int, device: str) -> Iterator[None]:
    """Convert out-of-memory errors raised inside the block into one that suggests a smaller batch.

    Raises:
        OutOfMemoryError: the device or the machine ran out of memory.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise OutOfMemoryError(batch_size, device) from error
    except RuntimeError as error:  # torch has no exception class for host memory
        if "can't allocate memory" in str(error) or "out of memory" in str(error):
            raise OutOfMemoryError(batch_size, device) from error
        raise
