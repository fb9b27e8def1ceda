"""Reader of MNIST's idx format."""

import gzip
import math
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError

MAX_VALUES = 2**31


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of unsigned bytes, gzipped or plain.

    Format: two zero bytes, type 8, the number of dimensions, each dimension as a big-endian int32, the values.

    Raises:
        DataError: The header is invalid, or the file has fewer or more values than it declares.
    """
    try:
        with path.open("rb") as plain:
            is_gzip = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            with gzip.GzipFile(fileobj=plain) if is_gzip else plain as file:
                header = file.read(4)
                if len(header) < 4 or header[:3] != b"\0\0\x08" or not 1 <= header[3] <= 4:
                    raise DataError(f"{path}: not an idx file of bytes (it starts with {header!r}); download it again.")
                shape = tuple(int(n) for n in np.frombuffer(file.read(4 * header[3]), dtype=">u4"))
                size = math.prod(shape)
                values = file.read(min(size, MAX_VALUES) + 1)  # one more than declared, to notice a surplus
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise DataError(f"{path}: cannot be unpacked ({error}); download it again.") from None
    if len(values) != size:
        raise DataError(f"{path}: its header declares {size} values, it has {len(values)}; download it again.")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)
