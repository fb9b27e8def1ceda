"""The house stands as the design draws it: who may import whom, no cycles, no nameless rooms."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIBLINGS = {"data", "models", "training", "inference", "evaluation", "explanation", "plots"}
RANKS = {
    "core": 0,
    **dict.fromkeys(SIBLINGS, 1),
    "projects": 2,
    "runs": 3,
    "ui": 4,
    "cli": 4,
    "__main__": 5,
    "pages": 5,
}
FORBIDDEN = {"plots": {"torch", "streamlit"}, "core": {"streamlit", "mlflow", "submitit"}}
EVERYWHERE = {"streamlit": {"ui", "pages", "app"}, "mlflow": {"runs"}, "submitit": {"runs"}, "optuna": {"runs"}}


def sources() -> list[Path]:
    return [ROOT / "app.py", *sorted((ROOT / "dlcore").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "dlcore":
        return parts[1] if len(parts) > 2 else parts[1].removesuffix(".py")
    return parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def breaches(here: str, targets: set[str]) -> list[str]:
    found = []
    for target in sorted(targets):
        top, *rest = target.split(".")
        if top in EVERYWHERE and here not in EVERYWHERE[top]:
            found.append(target)
        if top in FORBIDDEN.get(here, ()):
            found.append(target)
        if top == "dlcore" and rest and rest[0] in RANKS and rest[0] != here and here in RANKS:
            up = RANKS[rest[0]] > RANKS[here]
            beside = RANKS[rest[0]] == RANKS[here]
            if up or beside:
                found.append(target)
    return found


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path):
    assert breaches(room(path), imported(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_layer_test_catches_breaches():
    assert breaches("models", {"dlcore.data.series.series"}) == ["dlcore.data.series.series"]
    assert breaches("training", {"dlcore.runs.store"}) == ["dlcore.runs.store"]
    assert breaches("plots", {"torch"}) == ["torch"]
    assert breaches("projects", {"streamlit"}) == ["streamlit"]
    assert breaches("ui", {"mlflow.tracking"}) == ["mlflow.tracking"]
    assert breaches("runs", {"dlcore.projects.get", "mlflow"}) == []


def test_models_do_not_print_or_open_files():
    for path in (ROOT / "dlcore" / "models").glob("*.py"):
        calls = {
            n.func.id
            for n in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        assert not calls & {"print", "open"}, path


def test_mlflow_and_submitit_are_imported_lazily():
    for path in (ROOT / "dlcore").rglob("*.py"):
        top = {
            name.split(".")[0]
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            for name in imported_here(node)
        }
        assert not top & {"mlflow", "submitit", "optuna"}, f"{path} imports them at its top"


def imported_here(node: ast.stmt) -> set[str]:
    return imported(node) if isinstance(node, ast.Import | ast.ImportFrom) else set()


def test_no_import_cycles():
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in sources()}
    arrows = {}
    for name, path in modules.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        targets = set().union(*(imported_here(node) for node in tree.body)) if tree.body else set()
        arrows[name] = {t for full in targets for t in (full, full.rpartition(".")[0]) if t in modules and t != name}
        if any(t.startswith(f"{name}.") for t in arrows[name]):  # a package that gathers its own modules is no cycle
            arrows[name] = {t for t in arrows[name] if not t.startswith(f"{name}.")}
    done = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for target in sorted(arrows[name]):
                visit(target, (*way, name))
            done.add(name)

    for name in modules:
        visit(name, ())


def test_no_nameless_modules():
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert [p for p in sources() if p.stem in nameless] == []


def test_pages_and_app_stay_thin():
    for path in sources():
        limit = {"pages": 60, "app": 30}.get(room(path))
        if limit:
            assert len(path.read_text(encoding="utf-8").splitlines()) <= limit, path


def test_page_files_lie_one_folder_deep():
    assert list((ROOT / "pages").glob("*.py")) == []


def test_assets_stay_small():
    sizes = [p.stat().st_size for p in (ROOT / "assets").rglob("*") if p.is_file()]
    assert sum(sizes) < 80e6
    for bundle in (ROOT / "assets" / "runs").glob("*/*"):
        assert sum(p.stat().st_size for p in bundle.rglob("*") if p.is_file()) < 25e6, bundle
