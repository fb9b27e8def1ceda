// Modules of a network and the nodes that are visible when some of them are folded.

const MOST_NODES = 26;

export const shapeWords = (shape) =>
  shape.length ? shape.map((size) => (size === null ? "N" : size.toLocaleString("en"))).join(" × ") : "one number";

// A module's own name, with the name before it where it is but a number: blocks.0
export const lastName = (path) => /([^.]*[^.\d(][^.]*(?:\.\d[^.]*)*|\d[^.]*)$/.exec(path)[1];

// Modules that hold several operations can be folded; one that holds a single operation only gives it its name.
export function modulesOf(operations, kinds) {
  const found = new Map();
  for (const [place, one] of operations.entries()) {
    for (const [depth, path] of one.scope.entries()) {
      if (!found.has(path))
        found.set(path, {
          path,
          depth,
          kind: kinds[path.replace(/ \(\d+\)$/, "")] || "",
          members: [],
          weights: 0,
          biases: 0,
          adds: 0,
        });
      const module = found.get(path);
      module.members.push(place);
      module.weights += one.weights;
      module.biases += one.biases;
      module.adds += one.multiply_adds;
    }
  }
  const foldable = new Map([...found].filter(([, module]) => module.members.length > 1));
  // of modules that hold the very same operations the outermost is enough
  const seen = new Set();
  for (const [path, module] of foldable) {
    const same = `${module.members[0]}-${module.members.length}`;
    if (seen.has(same)) foldable.delete(path);
    else seen.add(same);
  }
  return { all: found, foldable };
}

// The modules to open at first: outer ones before inner ones, as long as the graph stays readable.
export function openAtFirst(operations, modules) {
  const open = new Set();
  for (const path of [...modules.foldable.keys()].sort((a, b) => modules.all.get(a).depth - modules.all.get(b).depth)) {
    open.add(path);
    if (visible(operations, modules, open).length > MOST_NODES) {
      open.delete(path);
      break;
    }
  }
  return open;
}

// What is seen: operations and folded modules, in an order in which every source comes first.
export function visible(operations, modules, open) {
  const nodes = [];
  const at = new Map();
  const of = new Map();
  operations.forEach((one, place) => {
    const folded = one.scope.find((path) => modules.foldable.has(path) && !open.has(path));
    const key = folded || place;
    if (!at.has(key)) {
      const inside = one.scope.filter(
        (path) =>
          modules.foldable.has(path) &&
          path !== folded &&
          (!folded || modules.all.get(path).depth < modules.all.get(folded).depth),
      );
      at.set(key, nodes.push({ key, place, folded: folded || null, within: inside, sources: new Set(), one }) - 1);
    }
    const node = at.get(key);
    of.set(place, node);
    if (folded) nodes[node].last = one;
    for (const source of one.sources) if (of.get(source) !== node) nodes[node].sources.add(of.get(source));
  });
  return nodes;
}
