"""Sizes of the batches of an epoch; imports no torch."""

SMALLEST = 2
"""Samples that each process needs of a training batch: batch normalization has no variance over one."""


def split_batches(samples: int, batch_size: int, *, smallest: int = SMALLEST) -> list[int]:
    """Return the sizes of the batches; fewer than `smallest` samples that are left over join the last full one."""
    full, left_over = divmod(samples, batch_size)
    if full and left_over < smallest:
        return [batch_size] * (full - 1) + [batch_size + left_over]
    return [batch_size] * full + [left_over] * (left_over > 0)
