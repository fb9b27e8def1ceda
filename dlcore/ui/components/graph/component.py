"""Computational graph of a network, with folding modules, zoom and keyboard navigation."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from dlcore.ui.components.mount import drawing_component, mount

if TYPE_CHECKING:
    from dlcore.inference.anatomy import Anatomy

_GRAPH = drawing_component("graph")


def show_graph(anatomy: "Anatomy", *, key: str) -> None:
    """Render the computational graph."""
    operations: list[dict[str, Any]] = [
        {
            "name": operation.name,
            "scope": list(operation.scope),
            "sources": list(operation.sources),
            "shape": list(operation.shape),
            "weights": operation.weights,
            "biases": operation.biases,
            "multiply_adds": operation.multiply_adds,
        }
        for operation in anatomy.operations
    ]
    data: dict[str, Any] = {"operations": operations, "kinds": dict(anatomy.kinds)}
    data["version"] = hashlib.blake2b(json.dumps(data).encode(), digest_size=12).hexdigest()
    mount(_GRAPH, data, key=f"graph-{key}")
