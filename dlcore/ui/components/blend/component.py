"""A picture and the map that explains it, one over the other, with a slider between them that moves in the browser."""

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_BLEND = drawing_component("blend")


def show_blend(picture: np.ndarray, values: np.ndarray, *, one_sided: bool, version: str, key: str) -> None:
    """Draw a picture (H, W, 3) uint8 and a map of it (H, W), which has no negative side where it is `one_sided`.

    `version` changes with either of them.
    """
    reach = float(np.abs(values).max()) or 1.0
    data = {
        "version": version,
        "size": list(picture.shape[:2]),
        "picture": pack(picture, dtype="uint8"),
        "map": pack(np.rint(127 * values / reach) + 127, dtype="uint8"),
        "oneSided": one_sided,
    }
    mount(_BLEND, data, key=key)
