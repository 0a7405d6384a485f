// The drawing: boxes in layers from left to right, and what is inside a closed box counted on it. Few enough to be read.
function graph(page) {
  const { nodes, roots, children, below, edges, color, told, byId } = page;
  const LIMIT = 48;
  const GAP = 70;
  const BETWEEN = 18;
  const HIGH = 58;
  const SPACE = "http://www.w3.org/2000/svg";
  const host = byId("drawing");
  const opened = new Set();
  let scale = 1;
  let size = [1, 1];
  let fitted = false;

  const svg = (tag, attributes, ...inside) => {
    const made = document.createElementNS(SPACE, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  };
  const words = (attributes, text) => {
    const made = svg("text", attributes);
    made.textContent = text;
    return made;
  };
  const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

  // At first as many levels are open as fit.
  let level = roots;
  let shown = roots.length;
  while (level.length) {
    const next = level.flatMap((at) => children[at]);
    if (!next.length || shown + next.length > LIMIT) break;
    level.forEach((at) => opened.add(at));
    shown += next.length;
    level = next;
  }

  function whole() {
    const boxes = [];
    const todo = roots.slice(0, LIMIT).reverse();
    while (todo.length && boxes.length < 4 * LIMIT) {
      const at = todo.pop();
      boxes.push(at);
      if (opened.has(at)) todo.push(...[...children[at]].reverse());
    }
    return boxes;
  }
  function around(center) {
    if (center < 0) return [];
    const near = new Map();
    for (const [source, sink] of edges) {
      for (const [from, to] of [[source, sink], [sink, source]]) {
        if (!near.has(from)) near.set(from, []);
        near.get(from).push(to);
      }
    }
    const found = new Set([center]);
    let ring = [center];
    for (let hop = 0; hop < 2; hop++) {
      const next = [];
      for (const at of ring) for (const other of near.get(at) || []) if (!found.has(other) && found.size < LIMIT) { found.add(other); next.push(other); }
      ring = next;
    }
    return [...found].sort((a, b) => a - b);
  }

  // Arrows between what is in sight: an arrow of something inside a closed box is the box's.
  function arrows(boxes, closed) {
    const seen = new Set(boxes);
    const stand = (at) => {
      while (closed && at >= 0 && !seen.has(at)) at = nodes[at].parent;
      return seen.has(at) ? at : -1;
    };
    const found = new Map();
    for (const [source, sink, parameter] of edges) {
      const [from, to] = [stand(source), stand(sink)];
      if (from < 0 || to < 0 || from === to) continue;
      const key = `${from} ${to}`;
      const known = found.get(key);
      if (known) {
        known.count += 1;
        known.inside = known.inside && parameter === null;
      } else found.set(key, { from, to, parameter, count: 1, inside: parameter === null });
    }
    return [...found.values()];
  }

  // --- where to put the boxes (Sugiyama): layers, few crossings, heights ----------------------------------------------
  function layers(boxes, lines) {
    const after = new Map(boxes.map((at) => [at, []]));
    for (const line of lines) after.get(line.from).push(line);
    const layer = new Map();
    const state = new Map();
    const order = [];
    for (const first of boxes) {
      if (state.has(first)) continue;
      const stack = [[first, 0]];
      state.set(first, 1);
      while (stack.length) {
        const top = stack[stack.length - 1];
        const line = after.get(top[0])[top[1]++];
        if (!line) {
          state.set(top[0], 2);
          order.push(top[0]);
          stack.pop();
        } else if (!state.has(line.to)) {
          state.set(line.to, 1);
          stack.push([line.to, 0]);
        } else if (state.get(line.to) === 1) line.back = true;
      }
    }
    // What is used stands right before what uses it: counted from the end.
    for (const at of order) layer.set(at, Math.max(0, ...after.get(at).filter((line) => !line.back).map((line) => layer.get(line.to) + 1)));
    const last = Math.max(0, ...layer.values());
    for (const at of boxes) layer.set(at, last - layer.get(at));
    return layer;
  }
  function arrange(boxes, lines, widths) {
    const linked = new Set(lines.flatMap((line) => [line.from, line.to]));
    const inside = boxes.filter((at) => linked.has(at));
    const layer = layers(inside, lines);
    const rows = Array.from({ length: Math.max(-1, ...layer.values()) + 1 }, () => []);
    const cells = new Map();
    const put = (key, at, high) => {
      const cell = { key, row: at, high, y: 0, before: [], after: [] };
      rows[at].push(cell);
      cells.set(key, cell);
      return cell;
    };
    for (const at of inside) put(at, layer.get(at), HIGH);
    for (const line of lines) {
      let [from, to] = line.back ? [line.to, line.from] : [line.from, line.to];
      if (layer.get(from) > layer.get(to)) [from, to] = [to, from];
      line.chain = [];
      let previous = cells.get(from);
      for (let at = layer.get(from) + 1; at < layer.get(to); at++) {
        const step = put(line.chain.length ? {} : { line }, at, 10);
        line.chain.push(step);
        previous.after.push(step);
        step.before.push(previous);
        previous = step;
      }
      previous.after.push(cells.get(to));
      cells.get(to).before.push(previous);
    }
    for (let sweep = 0; sweep < 16; sweep++) {
      const down = sweep % 2 === 0;
      rows.forEach((row) => row.forEach((cell, at) => { cell.at = at; }));
      for (const row of down ? rows : [...rows].reverse()) {
        for (const cell of row) {
          const near = down ? cell.before : cell.after;
          cell.weight = near.length ? near.reduce((sum, one) => sum + one.at, 0) / near.length : cell.at;
        }
        row.sort((a, b) => a.weight - b.weight || a.at - b.at);
        row.forEach((cell, at) => { cell.at = at; });
      }
    }
    for (const row of rows) row.reduce((top, cell) => { cell.y = top; return top + cell.high + BETWEEN; }, 0);
    for (let sweep = 0; sweep < 24; sweep++) {
      for (const row of sweep % 2 ? rows : [...rows].reverse()) {
        for (const cell of row) {
          const near = [...cell.before, ...cell.after];
          if (near.length) cell.wish = near.reduce((sum, one) => sum + one.y + one.high / 2, 0) / near.length - cell.high / 2;
          else cell.wish = cell.y;
        }
        settle(row);
      }
    }
    const lefts = [];
    const wides = rows.map((row) => Math.max(60, ...row.map((cell) => widths.get(cell.key) || 0)));
    let x = 0;
    for (const wide of wides) {
      lefts.push(x);
      x += wide + GAP;
    }
    const lowest = Math.min(0, ...[...rows.flat()].map((cell) => cell.y));
    const corners = new Map();
    const ends = new Map();
    let bottom = 0;
    let wide = Math.max(0, x - GAP);
    for (const cell of rows.flat()) {
      cell.y -= lowest;
      cell.x = lefts[cell.row];
      cell.end = cell.x + wides[cell.row];
      bottom = Math.max(bottom, cell.y + cell.high);
      if (!widths.has(cell.key)) continue;
      corners.set(cell.key, [cell.x, cell.y]);
      ends.set(cell.key, cell.end);
    }
    // What nothing goes into and what goes into nothing: on shelves below.
    const limit = Math.max(wide, 1000);
    let [shelf, top] = [0, bottom + (bottom ? 2 * BETWEEN : 0)];
    for (const at of boxes.filter((one) => !linked.has(one))) {
      const width = widths.get(at);
      if (shelf && shelf + width > limit) [shelf, top] = [0, top + HIGH + BETWEEN];
      corners.set(at, [shelf, top]);
      shelf += width + BETWEEN;
      wide = Math.max(wide, shelf - BETWEEN);
      bottom = top + HIGH;
    }
    return { corners, ends, width: wide, height: bottom };
  }
  // As near to its wish as the order allows: cells that push each other move as one block.
  function settle(row) {
    const blocks = [];
    let offset = 0;
    for (const cell of row) {
      let block = { wish: cell.wish - offset, count: 1, cells: [[cell, offset]] };
      offset += cell.high + BETWEEN;
      while (blocks.length && blocks[blocks.length - 1].wish > block.wish) {
        const previous = blocks.pop();
        const count = previous.count + block.count;
        block = { wish: (previous.wish * previous.count + block.wish * block.count) / count, count, cells: [...previous.cells, ...block.cells] };
      }
      blocks.push(block);
    }
    for (const block of blocks) for (const [cell, lead] of block.cells) cell.y = block.wish + lead;
  }

  // --- drawing -------------------------------------------------------------------------------------------------------
  function rowsOf(at) {
    const node = nodes[at];
    const inside = opened.has(at) || byId("around").checked ? 0 : below[at];
    const title = node.path.length > 30 ? `…${node.path.slice(-29)}` : node.path;
    return [title, cut(node.called, 32), inside ? `▸ ${number(inside)} inside` : cut(told(node), 34)];
  }
  function box(at, [x, y], width) {
    const node = nodes[at];
    const [title, called, more] = rowsOf(at);
    const tint = color(node);
    const made = svg("g", { class: at === page.selected() ? "box selected" : "box", transform: `translate(${x} ${y})`, tabindex: 0, role: "button" });
    const tip = svg("title", {});
    tip.textContent = `${node.path} = ${node.target}`;
    const rect = svg("rect", { width, height: HIGH, rx: 8, stroke: tint, class: "frame" });
    if (node.outcome === "deferred") rect.setAttribute("stroke-dasharray", "4 3");
    made.append(tip, rect, svg("rect", { width: 4, height: HIGH - 16, x: 7, y: 8, rx: 2, fill: tint }));
    made.append(words({ x: 19, y: 19, class: "title" }, title), words({ x: 19, y: 34, class: "class" }, called), words({ x: 19, y: 49, class: "soft" }, more));
    made.addEventListener("click", () => choose(at));
    made.addEventListener("dblclick", () => toggle(at));
    made.addEventListener("keydown", (event) => {
      if (event.key === "Enter") toggle(at);
      else if (event.key === " ") choose(at);
      else return;
      event.preventDefault();
    });
    return made;
  }
  function choose(at) {
    if (at === page.selected() && !opened.has(at) && children[at].length && byId("whole").checked) return toggle(at);
    page.select(at);
    draw();
  }
  function toggle(at) {
    if (!children[at].length || byId("around").checked) return;
    if (!opened.delete(at)) opened.add(at);
    page.select(at);
    draw();
  }
  function curve(points) {
    let [[x, y], ...rest] = points;
    const steps = [`M${x} ${y}`];
    for (const [toX, toY, flat] of rest) {
      const middle = (x + toX) / 2;
      steps.push(flat ? `H${toX}` : `C${middle} ${y} ${middle} ${toY} ${toX} ${toY}`);
      [x, y] = [toX, toY];
    }
    return steps.join("");
  }
  function draw() {
    const near = byId("around").checked;
    const boxes = near ? around(page.selected()) : whole();
    const lines = arrows(boxes, !near);
    const widths = new Map(boxes.map((at) => [at, Math.max(90, 7 * Math.max(...rowsOf(at).map((text) => text.length * 1.03)) + 34)]));
    const { corners, ends, width, height } = arrange(boxes, lines, widths);
    const selected = page.selected();
    const paths = lines.map((line) => {
      const [from, to] = [corners.get(line.from), corners.get(line.to)];
      const columns = line.chain.map((cell) => [cell.x, cell.end, cell.y + cell.high / 2]);
      const points = [[from[0] + widths.get(line.from), from[1] + HIGH / 2]];
      // Straight to the end of its column, so that no arrow runs through a box below.
      if (!line.back && ends.has(line.from)) points.push([ends.get(line.from), from[1] + HIGH / 2, true]);
      for (const [start, end, y] of line.back ? [] : columns) points.push([start, y], [end, y, true]);
      points.push([to[0], to[1] + HIGH / 2]);
      const lit = line.from === selected || line.to === selected;
      const path = svg("path", { d: curve(points), class: `${line.inside ? "inside" : ""} ${lit ? "lit" : ""}` });
      const tip = svg("title", {});
      tip.textContent = line.inside ? "built inside" : line.count > 1 ? `${line.parameter} and ${line.count - 1} more` : line.parameter;
      path.append(tip);
      return path;
    });
    const edge = 24;
    size = [width + 2 * edge, height + 2 * edge];
    const picture = svg("svg", { viewBox: `${-edge} ${-edge} ${size[0]} ${size[1]}` }, ...paths, ...boxes.map((at) => box(at, corners.get(at), widths.get(at))));
    host.replaceChildren(boxes.length ? picture : el("div", "none", "Nothing to draw."));
    const hidden = !near && roots.length > LIMIT;
    byId("said").textContent = hidden ? `the first ${LIMIT} of ${number(roots.length)}; the tree has all` : near ? "two steps in each direction" : boxes.some((at) => children[at].length) ? "a box with something inside opens by a second click" : "";
    if (fitted) zoom(scale);
    else if (host.clientWidth) fit();
  }
  function zoom(to) {
    scale = Math.max(0.15, Math.min(3, to));
    const picture = host.querySelector("svg");
    if (!picture) return;
    picture.setAttribute("width", size[0] * scale);
    picture.setAttribute("height", size[1] * scale);
  }
  function fit() {
    fitted = true;
    zoom(Math.max(0.45, Math.min(1.15, (host.clientWidth - 4) / size[0], (host.clientHeight - 4) / size[1])));
  }
  byId("fit").addEventListener("click", fit);
  byId("larger").addEventListener("click", () => zoom(scale * 1.25));
  byId("smaller").addEventListener("click", () => zoom(scale / 1.25));
  for (const name of ["whole", "around"]) byId(name).addEventListener("change", () => { fitted = false; draw(); });
  host.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(scale * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
  }, { passive: false });
  return { draw };
}
