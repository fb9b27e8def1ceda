"""Classes and splits of images by their folders: `[root/][split/]<class>/[deeper/]file`."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

PARTS = ("train", "validation", "test")
OUTSIDE = "it is in none of the folders for training, validation and test."
NO_CLASS = "it is not in a class folder."
_PREFIXES = {"train": "train", "test": "test", "valid": "validation", "eval": "test", "development": "validation"}
_WORDS = {"trn": "train", "tst": "test", "holdout": "test", "val": "validation", "vali": "validation"}
_WORDS |= {"dev": "validation", "valset": "validation", "devset": "validation", "valdata": "validation"}
_WRAPPERS = {"images", "image", "imgs", "img", "data", "dataset", "photos", "classes"}
_JOINED = ("trainval", "trainvalid")
Node = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What a folder holds: its split, and the class folder with the folders below it, or the reason if there is none.

    `root` is the folder that names the split, empty if the images are not split.
    """

    part: str = "train"
    folders: tuple[str, ...] = ()
    reason: str = ""
    root: str = ""


def split_of(name: str) -> str:
    """Return the split that a folder, file or cell names: train, validation or test; empty if none.

    A split word is a word of the name: `training_set`, `seg_test`, `imagesVal`, `train2017`.
    """
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    parts = {part for word in words if (part := _split_of_word(word))}
    if parts == {"train", "validation"} and len(words) == 2:
        return "train"
    return parts.pop() if len(parts) == 1 else ""


def _split_of_word(word: str) -> str:
    if word in _JOINED:
        return "train"
    return _WORDS.get(word) or next((part for start, part in _PREFIXES.items() if word.startswith(start)), "")


def infer_layout(folders: Mapping[str, int]) -> dict[str, Place]:
    """Return the place of every folder that holds images, from the number of images directly in it."""
    tree = _Tree(folders)
    branches = _find_branches(tree)
    starts = _skip_wrappers(tree, branches or {(): "train"})
    places = {folder: _place(tuple(folder.split("/")) if folder else (), starts, branches) for folder in folders}
    return _split_inside_classes(places) or _split_in_class_names(places) or places


class _Tree:
    """Folders with their children; only those that hold images, directly or below."""

    def __init__(self, folders: Mapping[str, int]) -> None:
        self.children: dict[Node, set[str]] = defaultdict(set)
        for folder in folders:
            node: Node = ()
            for name in folder.split("/") if folder else ():
                self.children[node].add(name)
                node = (*node, name)
        self.children.default_factory = None

    def names(self, node: Node) -> set[str]:
        return self.children.get(node, set())


def _find_branches(tree: _Tree) -> dict[Node, str]:
    """Return the folders that define splits.

    These are sibling folders that name different splits, or one test or validation folder beside the classes that
    it repeats, whose parent then holds the training images.
    """
    branches: dict[Node, str] = {}
    for node, names in tree.children.items():
        marked = {name: part for name in names if (part := split_of(name))}
        with_folders = [name for name in marked if tree.names((*node, name))]
        if len(set(marked.values())) > 1 and with_folders:
            branches |= {(*node, name): part for name, part in marked.items()}
        elif len(marked) == len(with_folders) == 1 and marked[with_folders[0]] != "train":
            inner, classes = tree.names((*node, with_folders[0])), names - set(with_folders)
            if classes and len(inner & classes) * 2 >= len(inner):
                branches |= {node: "train", (*node, with_folders[0]): marked[with_folders[0]]}
    return branches or _find_distant_branches(tree)


def _find_distant_branches(tree: _Tree) -> dict[Node, str]:
    """Return folders that name different splits at different places, and hold mostly the same folders."""
    marked = {
        (*node, name): part
        for node, names in tree.children.items()
        for name in names
        if (part := split_of(name)) and tree.names((*node, name))
    }
    if len(set(marked.values())) < 2:
        return {}
    classes = [tree.names(node) for node in marked]
    every = set[str]().union(*classes)
    are_alike = len(every) > 1 and all(2 * len(names) > len(every) for names in classes)
    return marked if are_alike else {}


def _skip_wrappers(tree: _Tree, branches: Mapping[Node, str]) -> dict[Node, tuple[str, Node]]:
    """Return for every branch its split and the folder above its classes.

    A wrapper is the only folder at its place and holds folders itself. It is skipped if every branch has one, or if it
    is named after its split, its parent, or images.
    """
    starts: dict[Node, Node] = {node: node for node in branches}
    while True:
        only = {node: _only_folder(tree, at, branches) for node, at in starts.items()}
        with_folders = [node for node, at in starts.items() if tree.names(at)]
        if not all(only[node] for node in with_folders):
            only = {
                node: name if _is_wrapper(name, starts[node], branches[node]) else "" for node, name in only.items()
            }
        if not any(only.values()):
            return {node: (branches[node], at) for node, at in starts.items()}
        starts = {node: (*at, only[node]) if only[node] else at for node, at in starts.items()}


def _only_folder(tree: _Tree, at: Node, branches: Mapping[Node, str]) -> str:
    names = [name for name in tree.names(at) if (*at, name) not in branches]
    return names[0] if len(names) == 1 and tree.names((*at, names[0])) else ""


def _is_wrapper(name: str, at: Node, part: str) -> bool:
    return bool(name) and (split_of(name) == part or name.lower() in _WRAPPERS or name in at[-1:])


def _place(node: Node, starts: Mapping[Node, tuple[str, Node]], branches: Mapping[Node, str]) -> Place:
    branch = next((node[:k] for k in range(len(node), -1, -1) if node[:k] in starts), None)
    if branch is None:
        return Place(reason=OUTSIDE)
    part, start = starts[branch]
    folders = node[len(start) :] if node[: len(start)] == start else ()
    return Place(part, folders, "" if folders else NO_CLASS, "/".join(branch) if branches else "")


def _split_inside_classes(places: Mapping[str, Place]) -> dict[str, Place] | None:
    """Read `<class>/<split>/file` if every folder inside the classes names a split."""
    usable = {folder: place for folder, place in places.items() if place.folders}
    parts = {folder: split_of(place.folders[1]) if len(place.folders) > 1 else "" for folder, place in usable.items()}
    if not usable or not all(parts.values()) or len(set(parts.values())) < 2:
        return None
    inside = {
        folder: Place(parts[folder], (place.folders[0], *place.folders[2:]), root=place.folders[1])
        for folder, place in usable.items()
    }
    return {**places, **inside}


def _split_in_class_names(places: Mapping[str, Place]) -> dict[str, Place] | None:
    """Read `<class>_<split>/file` if every class folder names a split, and every class has several."""
    usable = {folder: place for folder, place in places.items() if place.folders}
    parts = {folder: split_of(place.folders[0]) for folder, place in usable.items()}
    classes = {folder: _without_split(place.folders[0]) for folder, place in usable.items()}
    several = Counter(name for name, _ in {(classes[folder], parts[folder]) for folder in usable})
    if len(several) < 2 or min(several.values()) < 2 or not all(parts.values()) or not all(classes.values()):
        return None
    inside = {
        folder: Place(parts[folder], (classes[folder], *place.folders[1:]), root=place.folders[0])
        for folder, place in usable.items()
    }
    return {**places, **inside}


def _without_split(name: str) -> str:
    """Return the words of a name that name no split."""
    words = [word for word in re.split(r"[\s_.-]+", name) if not split_of(word)]
    return "_".join(words)
