"""A network's computational graph, drawn in the page: modules fold, the view zooms, arrow keys walk along the edges."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from dlcore.ui.components.mount import drawing_component, mount

if TYPE_CHECKING:
    from dlcore.inference.anatomy import Anatomy

_GRAPH = drawing_component("graph")


def show_graph(found: "Anatomy", *, key: str) -> None:
    """Draw the graph of a network that was taken apart."""
    operations: list[dict[str, Any]] = [
        {
            "name": one.name,
            "scope": list(one.scope),
            "sources": list(one.sources),
            "shape": list(one.shape),
            "weights": one.weights,
            "biases": one.biases,
            "multiply_adds": one.multiply_adds,
        }
        for one in found.operations
    ]
    data: dict[str, Any] = {"operations": operations, "kinds": dict(found.kinds)}
    data["version"] = hashlib.blake2b(json.dumps(data).encode(), digest_size=12).hexdigest()
    mount(_GRAPH, data, key=f"graph-{key}")
