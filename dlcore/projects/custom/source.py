"""Source of custom networks: what their text defines, read without running it, and where it is stored.

A network is stored as `$DLCORE_HOME/networks/<id>.py`, all but image classifiers in a folder of their project. The id
is the name of its class and the sha256 of the text, so a run always finds the code that it was created with.
"""

import ast
import functools
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from dlcore.core import access, settings
from dlcore.core.errors import ConfigError, RequestError
from dlcore.projects.custom.definitions import (
    CodeFunction,
    Parameter,
    find_functions,
    network_classes,
    outermost,
    parameters_of,
)

SETTING = "DLCORE_ALLOW_CUSTOM_CODE"
"""Environment variable of the setting `allow_custom_code`: 0 forbids custom networks, 1 allows them on any address."""
MAX_BYTES = 256 * 2**10
IMAGES = "custom"
"""Project of image classifiers."""
EXAMPLES = {
    name: settings.ASSETS / "networks" / f"{file}.py"
    for name, file in {
        IMAGES: "convolutional",
        "custom_text": "text",
        "custom_forecast": "forecast",
        "custom_anomaly": "autoencoder",
    }.items()
}
"""Project -> its first network."""
FILE = "network.py"
"""Name of the code in a bundle."""
INSTANCES = ("model", "net", "network")
"""Variables of a module that may hold a network, if the text defines no class."""
_CONSTANT = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Load),
    *(ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop),
)
"""Nodes of an expression that a notebook may compute: numbers, texts, and lists of them."""
_ID = re.compile(r"[A-Za-z_]\w{0,59}-[0-9a-f]{10}")


@dataclass(frozen=True)
class NetworkSource:
    """The text of a network and what it defines: a class with the parameters of its constructor, or a variable.

    `functions` are losses and augmentations that a run may use.
    """

    text: str
    target: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    summary: str = ""
    is_instance: bool = False
    functions: tuple[CodeFunction, ...] = ()

    def functions_of(self, setting: str) -> dict[str, CodeFunction]:
        """Return the functions for a setting by name."""
        return {each.name: each for each in self.functions if each.setting == setting}

    @property
    def network_id(self) -> str:
        """Name and checksum."""
        digest = hashlib.sha256(f"{self.target}\n{self.text}".encode()).hexdigest()
        return f"{self.target[:60]}-{digest[:10]}"


def require_allowed() -> None:
    """Check that this server may run custom code.

    Raises:
        RequestError: the setting forbids it, or the server listens beyond this machine.
    """
    if access.is_shared():
        raise RequestError("custom code is off on a shared server: run it on your machine (`dlcore app`).")
    if not is_allowed():
        raise RequestError(
            f"custom code is off: the app listens beyond localhost. Start it on localhost, or set {SETTING}=1."
            if os.environ.get(SETTING) != "0"
            else f"custom code is off ({SETTING}=0): unset it to train networks of your code."
        )


def is_allowed() -> bool:
    """Whether custom code may run: by the setting, else only if the app listens on this machine alone."""
    if access.is_shared():
        return False
    value = os.environ.get(SETTING)
    if value in ("0", "1"):
        return value == "1"
    return os.environ.get("DLCORE_ADDRESS", "localhost") in ("localhost", "127.0.0.1", "::1")


def read_source(data: bytes, *, name: str = "network.py", target: str = "") -> NetworkSource:
    """Read Python code or a notebook, without running it; `target` names the class if there are several.

    Raises:
        ConfigError: it is too long, no Python, or defines no network; names the line.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{name}: {len(data) / 2**10:,.0f} KiB of code: at most {MAX_BYTES >> 10} are read.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name}: byte {error.start} is not UTF-8: save the file as UTF-8.") from None
    if name.endswith(".ipynb") or text.lstrip().startswith('{"cells"') or '"nbformat"' in text[-2000:]:
        text = _notebook_code(text, name)
    return parse_text(text.replace("\r\n", "\n"), target=target)


def parse_text(text: str, *, target: str = "") -> NetworkSource:
    """Find the network in Python code.

    Raises:
        ConfigError: it is no Python, or defines no network; names the line.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        code = (error.text or "").strip()
        raise ConfigError(f"line {error.lineno}: `{code[:80]}`: {error.msg}.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"the code cannot be read: {error}.") from None
    classes, functions = network_classes(tree), find_functions(tree)
    if target and target not in classes:
        raise ConfigError(f"the code defines no network '{target}': it has {', '.join(classes) or 'none'}.")
    if classes:
        node = classes[target or outermost(tree, classes)]
        summary = (ast.get_docstring(node) or "").strip().split("\n\n")[0].replace("\n", " ")
        return NetworkSource(
            text, node.name, node.lineno, parameters_of(node, classes), summary[:200], functions=functions
        )
    for statement in tree.body:
        names = [part.id for part in getattr(statement, "targets", []) if isinstance(part, ast.Name)]
        if isinstance(statement, ast.Assign) and set(names) & set(INSTANCES):
            return NetworkSource(text, names[0], statement.lineno, is_instance=True, functions=functions)
    raise ConfigError(
        "the code defines no network: write a class with base `nn.Module`, or assign one to a variable `model`."
    )


def list_classes(text: str) -> list[str]:
    """Names of the networks that the code defines; empty if it is no Python."""
    try:
        return list(network_classes(ast.parse(text)))
    except (SyntaxError, ValueError):
        return []


def save(source: NetworkSource, project: str = IMAGES) -> str:
    """Store a network of a project; returns its id. The same text is stored once.

    Raises:
        RequestError: custom code is off.
    """
    require_allowed()
    path = folder(project) / f"{source.network_id}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(source.text, encoding="utf-8")
        draft.replace(path)
    return source.network_id


def find(network_id: str) -> NetworkSource | None:
    """The stored network with that id, or an example; None if there is none."""
    if not _ID.fullmatch(network_id):
        return None
    for name in EXAMPLES:
        if network_id == (network := example(name)).network_id:
            return network
    paths = (path for name in EXAMPLES if (path := folder(name) / f"{network_id}.py").exists())
    try:
        text = next(paths, folder() / f"{network_id}.py").read_text(encoding="utf-8")
        source = parse_text(text, target=network_id.rpartition("-")[0]) if "class " in text else parse_text(text)
    except (OSError, ConfigError):
        return None
    return source if source.network_id == network_id else None


def list_ids(project: str = IMAGES) -> list[str]:
    """Ids of the stored networks of a project, newest first, then that of its example."""
    paths = sorted(folder(project).glob("*.py"), key=lambda path: -path.stat().st_mtime)
    return [*dict.fromkeys([*(path.stem for path in paths if find(path.stem)), example(project).network_id])]


def folder(project: str = IMAGES) -> Path:
    """Where the networks of a project are stored."""
    return settings.home() / "networks" / ("" if project == IMAGES else project)


@functools.cache
def example(project: str = IMAGES) -> NetworkSource:
    """The first network of a project."""
    return parse_text(EXAMPLES[project].read_text(encoding="utf-8"))


def _notebook_code(text: str, name: str) -> str:
    """The code cells of a notebook that define something: imports, functions, classes, assignments of networks."""
    try:
        cells = json.loads(text)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{name} is not a notebook: save it again, or paste the code of the network.") from None
    parts = []
    for source in sources:
        code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
        try:
            tree = ast.parse(code)
        except SyntaxError:
            continue
        nodes = [node for node in tree.body if _defines(node)]
        parts += [ast.unparse(node) for node in nodes]
    return "\n\n".join(parts) + "\n"


def _defines(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    value = getattr(node, "value", None)
    if isinstance(node, ast.Assign | ast.AnnAssign) and value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {part.id for part in targets if isinstance(part, ast.Name)}
        is_constant = all(isinstance(part, _CONSTANT) for part in ast.walk(value))
        return is_constant or bool(names & set(INSTANCES))
    return False
