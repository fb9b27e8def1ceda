"""What the text of a network defines, from its syntax tree: networks, their parameters, losses and augmentations."""

import ast
from dataclasses import dataclass
from typing import Any

LOSS, AUGMENTATION = "loss_function", "augmentation_function"
"""Settings that name a function of the text."""
_FUNCTIONS = {LOSS: (("loss", "criterion"), 2), AUGMENTATION: (("augment",), 1)}
"""Setting -> words of the names of its functions, and how many arguments they need."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a constructor: its default, if the text has one, and its line."""

    name: str
    line: int
    default: Any = None
    has_default: bool = False


@dataclass(frozen=True)
class CodeFunction:
    """A loss or augmentation of the text: a function, or for a loss a class whose constructor needs no arguments."""

    setting: str
    name: str
    line: int
    is_class: bool = False


def network_classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """Modules of the text without losses."""
    losses = {each.name for each in find_functions(tree)}
    return {name: node for name, node in _module_classes(tree).items() if name not in losses}


def find_functions(tree: ast.Module) -> tuple[CodeFunction, ...]:
    """Functions, and modules that are losses, whose name and number of arguments fit a setting."""
    modules = _module_classes(tree)
    functions = []
    for node in tree.body:
        is_class = isinstance(node, ast.ClassDef)
        call: ast.stmt | None = node
        if isinstance(node, ast.ClassDef):
            is_plain = node.name in modules and all(each.has_default for each in parameters_of(node, modules))
            call = next((part for part in node.body if is_plain and getattr(part, "name", "") == "forward"), None)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and isinstance(call, ast.FunctionDef):
            required = len(call.args.posonlyargs + call.args.args) - len(call.args.defaults) - is_class
            for setting, (words, count) in _FUNCTIONS.items():
                has_name = any(word in node.name.lower() for word in words)
                if has_name and required == count and not (is_class and setting == AUGMENTATION):
                    functions.append(CodeFunction(setting, node.name, node.lineno, is_class))
    return tuple(functions)


def _module_classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """Classes derived from `Module`, from other modules of torch, or from such a class of the text."""
    classes: dict[str, ast.ClassDef] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            if any(base.endswith("Module") or base in classes or ".nn." in f".{base}" for base in bases):
                classes[node.name] = node
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in classes}


def outermost(tree: ast.Module, classes: dict[str, ast.ClassDef]) -> str:
    """The last network that no other network of the text uses."""
    used = {
        name.id
        for owner, node in classes.items()
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id in classes and name.id != owner
    }
    return [name for name in classes if name not in used][-1] if set(classes) - used else list(classes)[-1]


def parameters_of(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> tuple[Parameter, ...]:
    """Parameters of the constructor, or of the nearest base class of the text that has one."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return _of_signature(part.args)
    bases = [ast.unparse(base) for base in node.bases]
    return next((parameters_of(classes[base], classes) for base in bases if base in classes), ())


def _of_signature(signature: ast.arguments) -> tuple[Parameter, ...]:
    positional = [*signature.posonlyargs, *signature.args][1:]  # without self
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(signature.defaults))
    pairs = [*zip(positional, [*defaults, *signature.defaults[-len(positional) or None :]], strict=False)]
    pairs += zip(signature.kwonlyargs, signature.kw_defaults, strict=True)
    return tuple(_parameter(argument, default) for argument, default in pairs)


def _parameter(argument: ast.arg, default: ast.expr | None) -> Parameter:
    if default is None:
        return Parameter(argument.arg, argument.lineno)
    try:
        value = ast.literal_eval(default)
    except ValueError:
        value = None  # an expression: the constructor computes it
    return Parameter(argument.arg, argument.lineno, value, has_default=True)
