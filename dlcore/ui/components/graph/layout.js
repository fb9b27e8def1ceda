// Layered layout of a computational graph: ranks, order within ranks, x positions, module boxes.

import { visibleNodes } from "./modules.js";

export const SIZE = { wide: 178, tall: 46, more: 15, gapX: 26, gapY: 30, lane: 22, pad: 26 };

export function layOutGraph(operations, modules, open) {
  const nodes = visibleNodes(operations, modules, open);
  const rows = [];
  nodes.forEach((node, i) => {
    node.id = i;
    node.rank = Math.max(-1, ...[...node.sources].map((source) => nodes[source].rank)) + 1;
    node.weights = node.folded ? modules.all.get(node.folded).weights : node.one.weights;
    node.biases = node.folded ? modules.all.get(node.folded).biases : node.one.biases;
    node.wide = SIZE.wide;
    node.tall = SIZE.tall + (node.weights + node.biases ? SIZE.more : 0);
  });
  for (const node of nodes)
    if (!node.sources.size && node.one.name !== "input") {
      // operations on weights only are placed just before their first use
      const uses = nodes.filter((other) => other.sources.has(node.id)).map((other) => other.rank);
      if (uses.length) node.rank = Math.min(...uses) - 1;
    }
  const cells = nodes.map((node) => ({ node, rank: node.rank, wide: node.wide, tall: node.tall, up: [], down: [] }));
  const edges = [];
  nodes.forEach((node, to) => {
    for (const from of node.sources) {
      const route = [cells[from]];
      for (let rank = nodes[from].rank + 1; rank < node.rank; rank++) {
        const lane = { rank, wide: SIZE.lane, tall: 0, up: [], down: [] };
        cells.push(lane);
        route.push(lane);
      }
      route.push(cells[to]);
      for (let i = 1; i < route.length; i++) {
        route[i].up.push(route[i - 1]);
        route[i - 1].down.push(route[i]);
      }
      edges.push({ from, to, way: route });
    }
  });
  for (const cell of cells) {
    rows[cell.rank] ??= [];
    rows[cell.rank].push(cell);
  }
  orderRows(rows);
  placeRows(rows);
  return { nodes, cells, edges, boxes: moduleBoxes(nodes, cells, modules, open), ...extent(cells, rows) };
}

const average = (list, of) => list.reduce((sum, item) => sum + of(item), 0) / list.length;

function orderRows(rows) {
  for (const row of rows) {
    row.forEach((cell, i) => {
      cell.order = i;
    });
  }
  for (let sweep = 0; sweep < 6; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      for (const cell of row) {
        const neighbors = down ? cell.up : cell.down;
        cell.want = neighbors.length ? average(neighbors, (item) => item.order) : cell.order;
      }
      row
        .sort((a, b) => a.want - b.want || a.order - b.order)
        .forEach((cell, i) => {
          cell.order = i;
        });
    }
  }
}

export function placeRows(rows) {
  let y = SIZE.pad;
  for (const row of rows) {
    let x = 0;
    for (const cell of row) {
      cell.x = x + cell.wide / 2;
      x += cell.wide + SIZE.gapX;
    }
    for (const cell of row) cell.x -= (x - SIZE.gapX) / 2;
    const tall = Math.max(...row.map((cell) => cell.tall));
    for (const cell of row) {
      cell.y = y + tall / 2;
    }
    y += tall + SIZE.gapY;
  }
  for (let sweep = 0; sweep < 10; sweep++) {
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      for (const cell of row) {
        const neighbors = [...cell.up, ...cell.down];
        if (neighbors.length) cell.want = average(neighbors, (item) => item.x);
        else cell.want = cell.x;
      }
      resolveOverlaps(row);
    }
  }
  straightenChains(rows);
}

// Cells of an unbranched chain are aligned vertically.
function straightenChains(rows) {
  const chains = [];
  const visited = new Set();
  for (const cell of rows.flat()) {
    if (visited.has(cell)) continue;
    const chain = [cell];
    for (let at = cell; at.down.length === 1 && at.down[0].up.length === 1; at = at.down[0]) chain.push(at.down[0]);
    for (const item of chain) visited.add(item);
    chains.push(chain);
  }
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const chain of chains) {
      const x = average(chain, (item) => item.x);
      for (const item of chain) item.want = x;
    }
    for (const row of rows) resolveOverlaps(row);
  }
}

// Moves each cell as close as possible to its target, in order and without overlap.
function resolveOverlaps(row) {
  const distance = (a, b) => (a.wide + b.wide) / 2 + SIZE.gapX;
  const right = [];
  const left = [];
  row.forEach((cell, i) => {
    right[i] = i ? Math.max(cell.want, right[i - 1] + distance(row[i - 1], cell)) : cell.want;
  });
  for (let i = row.length - 1; i >= 0; i--)
    left[i] = i < row.length - 1 ? Math.min(row[i].want, left[i + 1] - distance(row[i], row[i + 1])) : row[i].want;
  row.forEach((cell, i) => {
    cell.x = (right[i] + left[i]) / 2;
  });
}

function moduleBoxes(nodes, cells, modules, open) {
  const boxes = [];
  for (const path of open) {
    const inside = nodes.filter((node) => node.within.includes(path)).map((node) => cells[node.id]);
    if (!inside.length) continue;
    const nested = [...open]
      .filter(
        (other) =>
          other !== path &&
          modules.all.get(other).members[0] >= modules.all.get(path).members[0] &&
          modules.all.get(other).depth > modules.all.get(path).depth &&
          modules.all.get(other).members.at(-1) <= modules.all.get(path).members.at(-1),
      )
      .map((other) => modules.all.get(other).depth);
    const margin = 9 + 7 * new Set(nested).size;
    boxes.push({
      path,
      depth: modules.all.get(path).depth,
      left: Math.min(...inside.map((cell) => cell.x - cell.wide / 2)) - margin,
      right: Math.max(...inside.map((cell) => cell.x + cell.wide / 2)) + margin,
      top: Math.min(...inside.map((cell) => cell.y - cell.tall / 2)) - 11 - 2 * new Set(nested).size,
      bottom: Math.max(...inside.map((cell) => cell.y + cell.tall / 2)) + 8,
    });
  }
  return boxes.sort((a, b) => a.depth - b.depth);
}

function extent(cells, rows) {
  const left = Math.min(...cells.map((cell) => cell.x - cell.wide / 2)) - 2 * SIZE.pad;
  const right = Math.max(...cells.map((cell) => cell.x + cell.wide / 2)) + 2 * SIZE.pad;
  return {
    left,
    width: right - left,
    height: Math.max(...cells.map((cell) => cell.y + cell.tall / 2)) + SIZE.pad,
    rows: rows.length,
  };
}
