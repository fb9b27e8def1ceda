"""An image blended with its attribution map; the slider works in the browser."""

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_BLEND = drawing_component("blend")


def show_blend(image: np.ndarray, values: np.ndarray, *, one_sided: bool, version: str, key: str) -> None:
    """Render an image (H, W, 3) uint8 with its attribution map (H, W), which is non-negative if `one_sided`.

    `version` identifies both.
    """
    limit = float(np.abs(values).max()) or 1.0
    data = {
        "version": version,
        "size": list(image.shape[:2]),
        "image": pack(image, dtype="uint8"),
        "map": pack(np.rint(127 * values / limit) + 127, dtype="uint8"),
        "oneSided": one_sided,
    }
    mount(_BLEND, data, key=key)
