// Modules of a network and the nodes that are visible when some of them are folded.

const MAX_NODES = 26;

export const formatShape = (shape) =>
  shape.length ? shape.map((size) => (size === null ? "N" : size.toLocaleString("en"))).join(" × ") : "scalar";

// Last part of a module path, with the part before it if it is a number: blocks.0
export const lastName = (path) => /([^.]*[^.\d(][^.]*(?:\.\d[^.]*)*|\d[^.]*)$/.exec(path)[1];

// Modules with several operations can be folded; a module with one operation only names it.
export function findModules(operations, kinds) {
  const modules = new Map();
  for (const [index, operation] of operations.entries()) {
    for (const [depth, path] of operation.scope.entries()) {
      if (!modules.has(path))
        modules.set(path, {
          path,
          depth,
          kind: kinds[path.replace(/ \(\d+\)$/, "")] || "",
          members: [],
          weights: 0,
          biases: 0,
          adds: 0,
        });
      const module = modules.get(path);
      module.members.push(index);
      module.weights += operation.weights;
      module.biases += operation.biases;
      module.adds += operation.multiply_adds;
    }
  }
  const foldable = new Map([...modules].filter(([, module]) => module.members.length > 1));
  // of modules with the same operations only the outermost can be folded
  const spans = new Set();
  for (const [path, module] of foldable) {
    const span = `${module.members[0]}-${module.members.length}`;
    if (spans.has(span)) foldable.delete(path);
    else spans.add(span);
  }
  return { all: modules, foldable };
}

// Modules open initially: outer ones first, up to MAX_NODES nodes.
export function initiallyOpen(operations, modules) {
  const open = new Set();
  for (const path of [...modules.foldable.keys()].sort((a, b) => modules.all.get(a).depth - modules.all.get(b).depth)) {
    open.add(path);
    if (visibleNodes(operations, modules, open).length > MAX_NODES) {
      open.delete(path);
      break;
    }
  }
  return open;
}

// Visible nodes (operations and folded modules) in topological order.
export function visibleNodes(operations, modules, open) {
  const nodes = [];
  const indexByKey = new Map();
  const nodeByOperation = new Map();
  operations.forEach((operation, index) => {
    const foldedModule = operation.scope.find((path) => modules.foldable.has(path) && !open.has(path));
    const key = foldedModule || index;
    if (!indexByKey.has(key)) {
      const inside = operation.scope.filter(
        (path) =>
          modules.foldable.has(path) &&
          path !== foldedModule &&
          (!foldedModule || modules.all.get(path).depth < modules.all.get(foldedModule).depth),
      );
      indexByKey.set(
        key,
        nodes.push({
          key,
          place: index,
          folded: foldedModule || null,
          within: inside,
          sources: new Set(),
          one: operation,
        }) - 1,
      );
    }
    const node = indexByKey.get(key);
    nodeByOperation.set(index, node);
    if (foldedModule) nodes[node].last = operation;
    for (const source of operation.sources)
      if (nodeByOperation.get(source) !== node) nodes[node].sources.add(nodeByOperation.get(source));
  });
  return nodes;
}
