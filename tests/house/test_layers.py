"""Structure of the package: imports go downwards, there are no import cycles, modules have names, pages are thin.

Imports inside functions and under TYPE_CHECKING count like those at the top of a module.
"""

import ast
import collections
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIBLINGS = ("data", "models", "training", "inference", "evaluation", "explanation", "plots")
LAYERS = {
    "core": 0,
    **dict.fromkeys(SIBLINGS, 1),
    "projects": 2,
    "runs": 3,
    "ui": 4,
    "cli": 4,
    "__init__": 4,  # the public API
    "__main__": 5,
    "pages": 5,
    "app": 5,
}
"""A package imports packages of lower layers only; `__main__`, `pages` and `app` may import each other's layer."""
ONLY_IN = {
    "streamlit": {"ui", "pages", "app"},
    "mlflow": {"runs"},
    "submitit": {"runs"},
    "optuna": {"runs"},
    "torch": {"core", "data", "models", "training", "inference", "evaluation", "explanation", "projects", "runs", "ui"},
}
LAZY = ("mlflow", "submitit", "optuna")

Graph = dict[str, set[str]]


def sources(root: Path = ROOT) -> list[Path]:
    return [
        *root.glob("app.py"),
        *sorted((root / "dlcore").rglob("*.py")),
        *sorted((root / "pages").rglob("*.py")),
    ]


def module_name(path: Path, root: Path = ROOT) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def layer(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).parts
    if parts[0] == "dlcore":
        return parts[1].removesuffix(".py")
    return parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of every import in a tree, in functions and under TYPE_CHECKING as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def find_breaches(here: str, targets: set[str]) -> list[str]:
    """Return the imports that a package of this layer may not have."""
    breaches = []
    for target in sorted(targets):
        top, *below = target.split(".")
        if here not in ONLY_IN.get(top, {here}):
            breaches.append(target)
        package = below[0] if top == "dlcore" and below else here
        if package != here and LAYERS.get(package, -1) >= LAYERS.get(here, 9):
            breaches.append(target)
    return breaches


def reexports(trees: Mapping[str, ast.Module], packages: set[str]) -> dict[str, dict[str, str]]:
    """Return for each package the names that its `__init__` imports at the top, and their full names."""
    names: dict[str, dict[str, str]] = {}
    for package in packages:
        names[package] = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in trees[package].body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
    return names


def resolve(target: str, modules: set[str], exports: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the module that an import needs; a name re-exported by a package leads to the module that defines it."""
    visited = set()
    while target not in modules:
        parent, _, name = target.rpartition(".")
        if not parent or target in visited:
            return None
        visited.add(target)
        if parent in modules:
            if name not in exports.get(parent, {}):
                return parent
            target = exports[parent][name]
        else:
            target = parent
    return target


def import_graph(root: Path = ROOT) -> Graph:
    """Return the modules that each module imports.

    `from package import name` imports the submodule of that name, else the module that defines a re-exported name, else
    the package. Importing a package as a whole (`from dlcore import runs`) leads to its `__init__`, and from there to
    all that it re-exports.
    """
    paths = {module_name(path, root): path for path in sources(root)}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    packages = {name for name, path in paths.items() if path.name == "__init__.py"}
    exports = reexports(trees, packages)
    graph: Graph = {}
    for name, tree in trees.items():
        targets = {resolve(target, set(paths), exports) for target in imports(tree)}
        graph[name] = {target for target in targets if target and target != name}
    return graph


def find_cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return every strongly connected component of two or more modules, with one cycle through it (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(graph[name]):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            place = stack.index(name)
            components.append(set(stack[place:]))
            del stack[place:]

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return [shortest_cycle(graph, component) for component in components if len(component) > 1]


def shortest_cycle(graph: Mapping[str, set[str]], component: set[str]) -> list[str]:
    best: list[str] = []
    for start in sorted(component):
        paths = collections.deque([[start]])
        visited = {start}
        while paths and not (best and len(paths[0]) >= len(best)):
            path = paths.popleft()
            targets = sorted(graph[path[-1]] & component)
            if start in targets:
                best = path
                break
            paths.extend([*path, target] for target in targets if target not in visited)
            visited.update(targets)
    return best


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_downwards(path):
    assert find_breaches(layer(path), set(imports(ast.parse(path.read_text(encoding="utf-8"))))) == []


def test_breaches_are_found():
    assert find_breaches("models", {"dlcore.data.series.series"}) == ["dlcore.data.series.series"]
    assert find_breaches("training", {"dlcore.runs.store"}) == ["dlcore.runs.store"]
    assert find_breaches("plots", {"torch"}) == ["torch"]
    assert find_breaches("projects", {"streamlit"}) == ["streamlit"]
    assert find_breaches("ui", {"mlflow.tracking"}) == ["mlflow.tracking"]
    assert find_breaches("cli", {"dlcore.ui.shell"}) == ["dlcore.ui.shell"]
    assert find_breaches("runs", {"dlcore.projects.get", "mlflow"}) == []
    lazy = ast.parse("def load():\n    from dlcore.runs import store\n")
    assert find_breaches("projects", set(imports(lazy))) == ["dlcore.runs.store"]


def test_there_are_no_import_cycles():
    cycles = find_cycles(import_graph())
    assert cycles == [], "\n".join(" -> ".join([*cycle, cycle[0]]) for cycle in cycles)


@pytest.fixture
def package(tmp_path):
    """Return a function that writes modules of a package `dlcore` and returns its import cycles."""

    def write(**modules: str) -> list[list[str]]:
        for name, text in modules.items():
            path = tmp_path / "dlcore" / f"{name.replace('__', '/', 1)}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        for folder in {path.parent for path in (tmp_path / "dlcore").rglob("*.py")} | {tmp_path / "dlcore"}:
            if not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text("")
        return find_cycles(import_graph(tmp_path))

    return write


def test_a_lazy_cycle_is_found(package):
    cycles = package(a="import dlcore.b", b="def f():\n    from dlcore.a import x\n")
    assert cycles == [["dlcore.a", "dlcore.b"]]


def test_a_cycle_through_a_package_is_found(package):
    init, actions = "from dlcore.runs.actions import create", "from dlcore.runs import worker"
    cycles = package(runs____init__=init, runs__actions=actions, runs__worker="from dlcore.runs import create")
    assert cycles == [["dlcore.runs.actions", "dlcore.runs.worker"]]
    cycles = package(runs__worker="import dlcore.runs")
    assert cycles == [["dlcore.runs", "dlcore.runs.actions", "dlcore.runs.worker"]]


def test_importing_a_sibling_through_its_package_is_no_cycle(package):
    init, actions = "from dlcore.runs.actions import create", "from dlcore.runs import store"
    assert package(runs____init__=init, runs__actions=actions, runs__store="import json") == []


def test_models_do_not_print_or_open_files():
    for path in (ROOT / "dlcore" / "models").rglob("*.py"):
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"print", "open"}, path


def test_heavy_packages_are_imported_lazily():
    for path in (ROOT / "dlcore").rglob("*.py"):
        statements = ast.parse(path.read_text(encoding="utf-8")).body
        top = {name for node in statements if isinstance(node, ast.Import | ast.ImportFrom) for name in imports(node)}
        assert {name for name in top if name.split(".")[0] in LAZY} == set(), path


def test_public_class_names_are_unique():
    places = collections.defaultdict(list)
    for path in sorted((ROOT / "dlcore").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_modules_have_descriptive_names():
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert [path for path in sources() if path.stem in vague] == []


def test_pages_and_app_stay_thin():
    for path in sources():
        limit = {"pages": 60, "app": 30}.get(layer(path))
        if limit:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= limit, path


def test_page_files_are_one_folder_deep():
    assert list((ROOT / "pages").glob("*.py")) == []


def test_assets_stay_small():
    sizes = [path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()]
    assert sum(sizes) < 96e6
    for bundle in (ROOT / "assets" / "runs").glob("*/*"):
        assert sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) < 25e6, bundle
