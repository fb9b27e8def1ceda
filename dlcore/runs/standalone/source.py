"""Collect the source of functions and classes together with everything of dlcore that they use, as one plain text."""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from torch import nn

from dlcore.core.config import Config
from dlcore.core.errors import RunError

PACKAGE = "dlcore"
ERRORS = {"DataError": "ValueError", "ConfigError": "ValueError", "RequestError": "ValueError"}
"""Errors of dlcore, and what replaces them in a script."""
_FIXED = {"__init__", "__call__", "__len__", "__post_init__", "forward"}
Edit = tuple[int, int, str]
"""Start, stop (offsets in the module's source), and the replacement."""


@dataclass
class CollectedSource:
    """Definitions in the order in which they can run, by name, and the imports that they need.

    `attributes` are the names after a dot in all of them: a method that has none of these names is left out.
    """

    is_brief: bool = False
    definitions: dict[str, str] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    origins: dict[str, str] = field(default_factory=dict)


def collect(objects: Iterable[Callable[..., Any] | type], *, uses: str = "", is_brief: bool = False) -> CollectedSource:
    """Return the source of functions and classes and of what they use.

    uses: code that calls them, whose attributes count as used. `is_brief` keeps the first line of each docstring.

    Raises:
        RunError: two definitions have one name, or one has no source.
    """
    objects = list(objects)
    attributes = {node.attr for node in ast.walk(ast.parse(uses)) if isinstance(node, ast.Attribute)}
    while True:
        source = CollectedSource(is_brief=is_brief, attributes=set(attributes))
        for each in objects:
            _add(source, inspect.getmodule(each), each.__name__)
        if source.attributes == attributes:
            return source
        attributes = source.attributes


def join(definitions: Iterable[str]) -> str:
    """Join definitions; constants stand together."""
    text = ""
    for each in definitions:
        is_constant = not each.startswith(("def ", "class ", "@"))
        text += ("\n" if is_constant and text.endswith("\n") else "\n\n\n" if text else "") + each.strip()
        text += "\n" if is_constant and "\n\n\n" not in each else ""
    return text.replace("\n\n\n\n", "\n\n\n")


def order_imports(lines: Iterable[str]) -> str:
    """Return import statements in order: standard library first, `import` before `from`."""
    lines, both = set(lines), {"from torch import Tensor", "from torch import nn"}
    if both <= lines:
        lines = (lines - both) | {"from torch import Tensor, nn"}
    groups: tuple[list[str], list[str]] = ([], [])
    for line in sorted(lines, key=lambda line: (line.startswith("from"), line)):
        groups[line.split()[1].split(".")[0] not in sys.stdlib_module_names].append(line)
    return "\n\n".join("\n".join(group) for group in groups if group)


@dataclass(frozen=True)
class _Module:
    """A parsed module: its text, offsets of its lines, and the node that binds each top-level name."""

    module: ModuleType
    text: str
    starts: tuple[int, ...]
    nodes: dict[str, ast.stmt]

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        return start + len(self.text[start:].split("\n", 1)[0].encode()[:column].decode())

    def start(self, node: Any) -> int:
        return self.offset(node.lineno, node.col_offset)

    def stop(self, node: Any) -> int:
        return self.offset(node.end_lineno, node.end_col_offset)


@cache
def _parse(module: ModuleType) -> _Module:
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        raise RunError(f"the source of {module.__name__} is not installed.") from None
    nodes: dict[str, ast.stmt] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            nodes[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            nodes |= {alias.asname or alias.name.split(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.Assign):
            targets = [each for target in node.targets for each in getattr(target, "elts", [target])]
            nodes |= {target.id: node for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            nodes[node.target.id] = node
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return _Module(module, text, tuple(starts), nodes)


def _add(source: CollectedSource, module: ModuleType | None, name: str) -> str:
    """Add the definition of a module's name and of what it uses; returns the name that a script uses for it."""
    assert module is not None
    if name in ERRORS:
        return ERRORS[name]
    parsed = _parse(module)
    node = parsed.nodes[name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _add_import(source, node, name)
    origin = f"{module.__name__}.{name}"
    if source.origins.setdefault(name, origin) != origin:
        raise RunError(f"two definitions have the name '{name}'.")
    if name not in source.definitions and name not in _PENDING:
        _PENDING.add(name)
        try:
            source.definitions[name] = _render(source, parsed, node)
        finally:
            _PENDING.discard(name)
    return name


_PENDING: set[str] = set()
"""Names whose definition is being collected: a recursive function does not add itself."""


def _add_import(source: CollectedSource, node: ast.Import | ast.ImportFrom, name: str) -> str:
    alias = next(each for each in node.names if (each.asname or each.name.split(".")[0]) == name)
    if isinstance(node, ast.ImportFrom) and _is_own(node):
        return _add(source, importlib.import_module(str(node.module)), alias.name)
    renamed = f" as {alias.asname}" if alias.asname else ""
    prefix = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
    source.imports.add(f"{prefix}import {alias.name}{renamed}")
    return name


def _is_own(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == PACKAGE


def _render(source: CollectedSource, parsed: _Module, node: ast.stmt) -> str:
    """Return the text of one definition without what a script does not need."""
    edits: list[Edit] = []
    left_out: set[ast.AST] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.ClassDef):
            left_out |= _unused_methods(source, inner)
    for inner in _walk(node, left_out):
        edits += _edit(source, parsed, inner)
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    start, stop = parsed.offset(first, 0), parsed.starts[node.end_lineno or 0] - 1  # with a comment behind it
    for method in left_out:
        lines = [method.lineno, *(each.lineno for each in method.decorator_list)]  # type: ignore[attr-defined]
        begin = parsed.offset(min(lines), 0)
        blank = parsed.text[:begin].rstrip()
        edits.append((len(blank), parsed.stop(method), ""))
    text = parsed.text[start:stop]
    for begin, end, new in sorted(edits, reverse=True):
        text = text[: begin - start] + new + text[end - start :]
    return text


def _unused_methods(source: CollectedSource, node: ast.ClassDef) -> set[ast.AST]:
    return {
        each
        for each in node.body
        if isinstance(each, ast.FunctionDef)
        and each.name not in _FIXED
        and each.name not in source.attributes
        and not hasattr(nn.Module, each.name)
    }


def _walk(node: ast.AST, left_out: set[ast.AST]) -> Iterable[ast.AST]:
    if node in left_out:
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, left_out)


def _edit(source: CollectedSource, parsed: _Module, node: ast.AST) -> list[Edit]:
    """Return the edits for one node, and add what it uses."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return _shorten_docstring(source, parsed, node) + _replace_annotations(source, parsed, node)
    if isinstance(node, ast.AnnAssign):
        return _replace_names(source, parsed, node.annotation)
    if isinstance(node, ast.Attribute):
        source.attributes.add(node.attr)
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            module = _own_module(parsed, node.value.id)
            if module is not None:
                return [(parsed.start(node), parsed.stop(node), _add(source, module, node.attr))]
    if not isinstance(node, ast.Name) or node.id not in parsed.nodes or _is_annotation(parsed, node):
        return []
    if _own_module(parsed, node.id) is None:
        new = _add(source, parsed.module, node.id)
        return [(parsed.start(node), parsed.stop(node), new)] if new != node.id else []
    return []


def _own_module(parsed: _Module, name: str) -> ModuleType | None:
    """Return the module of dlcore that a name stands for; None if it is anything else."""
    value = getattr(parsed.module, name, None) if name in parsed.nodes else None
    return value if isinstance(value, ModuleType) and value.__name__.split(".")[0] == PACKAGE else None


def _shorten_docstring(source: CollectedSource, parsed: _Module, node: ast.FunctionDef | ast.ClassDef) -> list[Edit]:
    first = node.body[0]
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return []
    lines = [line.strip() for line in first.value.value.strip().split("\n\n")[0].splitlines()]
    text = " ".join(lines) if source.is_brief else first.value.value.split("Raises:")[0].rstrip()
    if source.is_brief:
        text = text.split(". ")[0].rstrip(".:") + "."
        text = f"\n{' ' * first.col_offset}".join(textwrap.wrap(text, 110 - first.col_offset, break_on_hyphens=False))
    elif "\n" in text:
        text += "\n" + " " * first.col_offset
    return [(parsed.start(first), parsed.stop(first), f'"""{text}"""')]


def _annotations(node: ast.AST) -> Iterable[ast.expr]:
    if isinstance(node, ast.FunctionDef):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        yield from (each.annotation for each in arguments if each is not None and each.annotation is not None)
        if node.returns is not None:
            yield node.returns
    elif isinstance(node, ast.AnnAssign):
        yield node.annotation


def _replace_annotations(source: CollectedSource, parsed: _Module, node: ast.AST) -> list[Edit]:
    return [edit for annotation in _annotations(node) for edit in _replace_names(source, parsed, annotation)]


def _replace_names(source: CollectedSource, parsed: _Module, annotation: ast.expr) -> list[Edit]:
    """Replace types of dlcore in an annotation: a config by SimpleNamespace, a literal by str."""
    edits = []
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id in parsed.nodes:
            value, binding = getattr(parsed.module, node.id, None), parsed.nodes[node.id]
            if isinstance(value, type) and issubclass(value, Config):
                source.imports.add("from types import SimpleNamespace")
                edits.append((parsed.start(node), parsed.stop(node), "SimpleNamespace"))
            elif isinstance(binding, ast.Import | ast.ImportFrom) and not _is_own(binding):
                _add_import(source, binding, node.id)
            elif not isinstance(value, type):
                edits.append((parsed.start(node), parsed.stop(node), "str"))
    return edits


@cache
def _annotation_names(module: ModuleType) -> set[int]:
    tree = _parse(module)
    return {
        id(name)
        for top in tree.nodes.values()
        for node in ast.walk(top)
        for annotation in _annotations(node)
        for name in ast.walk(annotation)
    }


def _is_annotation(parsed: _Module, node: ast.Name) -> bool:
    return id(node) in _annotation_names(parsed.module)
