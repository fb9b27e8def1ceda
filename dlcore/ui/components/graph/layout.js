// Layered layout of a computational graph: ranks, order within ranks, x positions, module boxes.

import { visible } from "./modules.js";

export const GRAPH = { wide: 178, tall: 46, more: 15, gapX: 26, gapY: 30, lane: 22, pad: 26 };

export function layOut(operations, modules, open) {
  const nodes = visible(operations, modules, open);
  const rows = [];
  nodes.forEach((node, i) => {
    node.id = i;
    node.rank = Math.max(-1, ...[...node.sources].map((source) => nodes[source].rank)) + 1;
    node.weights = node.folded ? modules.all.get(node.folded).weights : node.one.weights;
    node.biases = node.folded ? modules.all.get(node.folded).biases : node.one.biases;
    node.wide = GRAPH.wide;
    node.tall = GRAPH.tall + (node.weights + node.biases ? GRAPH.more : 0);
  });
  for (const node of nodes)
    if (!node.sources.size && node.one.name !== "input") {
      // what comes of weights alone stands just before its use
      const uses = nodes.filter((other) => other.sources.has(node.id)).map((other) => other.rank);
      if (uses.length) node.rank = Math.min(...uses) - 1;
    }
  const cells = nodes.map((node) => ({ node, rank: node.rank, wide: node.wide, tall: node.tall, up: [], down: [] }));
  const edges = [];
  nodes.forEach((node, to) => {
    for (const from of node.sources) {
      const way = [cells[from]];
      for (let rank = nodes[from].rank + 1; rank < node.rank; rank++) {
        const lane = { rank, wide: GRAPH.lane, tall: 0, up: [], down: [] };
        cells.push(lane);
        way.push(lane);
      }
      way.push(cells[to]);
      for (let i = 1; i < way.length; i++) {
        way[i].up.push(way[i - 1]);
        way[i - 1].down.push(way[i]);
      }
      edges.push({ from, to, way });
    }
  });
  for (const cell of cells) {
    rows[cell.rank] ??= [];
    rows[cell.rank].push(cell);
  }
  order(rows);
  place(rows);
  return { nodes, cells, edges, boxes: boxesOf(nodes, cells, modules, open), ...extent(cells, rows) };
}

const mean = (list, of) => list.reduce((sum, one) => sum + of(one), 0) / list.length;

function order(rows) {
  for (const row of rows) {
    row.forEach((cell, i) => {
      cell.order = i;
    });
  }
  for (let sweep = 0; sweep < 6; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : [...rows].reverse()) {
      for (const cell of row) {
        const beside = down ? cell.up : cell.down;
        cell.want = beside.length ? mean(beside, (one) => one.order) : cell.order;
      }
      row
        .sort((a, b) => a.want - b.want || a.order - b.order)
        .forEach((cell, i) => {
          cell.order = i;
        });
    }
  }
}

export function place(rows) {
  let y = GRAPH.pad;
  for (const row of rows) {
    let x = 0;
    for (const cell of row) {
      cell.x = x + cell.wide / 2;
      x += cell.wide + GRAPH.gapX;
    }
    for (const cell of row) cell.x -= (x - GRAPH.gapX) / 2;
    const tall = Math.max(...row.map((cell) => cell.tall));
    for (const cell of row) {
      cell.y = y + tall / 2;
    }
    y += tall + GRAPH.gapY;
  }
  for (let sweep = 0; sweep < 10; sweep++) {
    for (const row of sweep % 2 ? [...rows].reverse() : rows) {
      for (const cell of row) {
        const beside = [...cell.up, ...cell.down];
        if (beside.length) cell.want = mean(beside, (one) => one.x);
        else cell.want = cell.x;
      }
      settle(row);
    }
  }
  straighten(rows);
}

// Cells of a chain, one below the other with nothing else going in or out, stand in a straight line.
function straighten(rows) {
  const chains = [];
  const seen = new Set();
  for (const cell of rows.flat()) {
    if (seen.has(cell)) continue;
    const chain = [cell];
    for (let at = cell; at.down.length === 1 && at.down[0].up.length === 1; at = at.down[0]) chain.push(at.down[0]);
    for (const one of chain) seen.add(one);
    chains.push(chain);
  }
  for (let sweep = 0; sweep < 6; sweep++) {
    for (const chain of chains) {
      const x = mean(chain, (one) => one.x);
      for (const one of chain) one.want = x;
    }
    for (const row of rows) settle(row);
  }
}

// Each cell as near as may be to where it wants to be, in order and without overlap.
function settle(row) {
  const apart = (a, b) => (a.wide + b.wide) / 2 + GRAPH.gapX;
  const right = [];
  const left = [];
  row.forEach((cell, i) => {
    right[i] = i ? Math.max(cell.want, right[i - 1] + apart(row[i - 1], cell)) : cell.want;
  });
  for (let i = row.length - 1; i >= 0; i--)
    left[i] = i < row.length - 1 ? Math.min(row[i].want, left[i + 1] - apart(row[i], row[i + 1])) : row[i].want;
  row.forEach((cell, i) => {
    cell.x = (right[i] + left[i]) / 2;
  });
}

function boxesOf(nodes, cells, modules, open) {
  const found = [];
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
    const room = 9 + 7 * new Set(nested).size;
    found.push({
      path,
      depth: modules.all.get(path).depth,
      left: Math.min(...inside.map((cell) => cell.x - cell.wide / 2)) - room,
      right: Math.max(...inside.map((cell) => cell.x + cell.wide / 2)) + room,
      top: Math.min(...inside.map((cell) => cell.y - cell.tall / 2)) - 11 - 2 * new Set(nested).size,
      bottom: Math.max(...inside.map((cell) => cell.y + cell.tall / 2)) + 8,
    });
  }
  return found.sort((a, b) => a.depth - b.depth);
}

function extent(cells, rows) {
  const left = Math.min(...cells.map((cell) => cell.x - cell.wide / 2)) - 2 * GRAPH.pad;
  const right = Math.max(...cells.map((cell) => cell.x + cell.wide / 2)) + 2 * GRAPH.pad;
  return {
    left,
    width: right - left,
    height: Math.max(...cells.map((cell) => cell.y + cell.tall / 2)) + GRAPH.pad,
    rows: rows.length,
  };
}
