"""Streamlit's caches, with the viewer in the key: a person of a shared server never gets what another one read."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import streamlit as st

from dlcore.core import access

Function = TypeVar("Function", bound=Callable[..., Any])


def cache_data(**options: Any) -> Callable[[Function], Function]:
    """Return `st.cache_data(**options)` for each viewer."""
    return _each_viewer(st.cache_data, options)


def cache_resource(**options: Any) -> Callable[[Function], Function]:
    """Return `st.cache_resource(**options)` for each viewer."""
    return _each_viewer(st.cache_resource, options)


def clear(function: Callable[..., Any]) -> None:
    """Empty the cache of a function."""
    function.clear()  # type: ignore[attr-defined]


def _each_viewer(cache: Callable[..., Any], options: dict[str, Any]) -> Callable[[Function], Function]:
    def decorate(function: Function) -> Function:
        @wraps(function)
        def keyed(scope: str, /, *args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        signature = inspect.signature(function)  # Streamlit leaves arguments out of the key by their names
        viewer = inspect.Parameter("scope", inspect.Parameter.POSITIONAL_ONLY)
        keyed.__signature__ = signature.replace(parameters=[viewer, *signature.parameters.values()])  # type: ignore[attr-defined]
        cached = cache(**options)(keyed)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            return cached(access.scope(), *args, **kwargs)

        call.clear = cached.clear  # type: ignore[attr-defined]
        return call  # type: ignore[return-value]

    return decorate
