// The page of one run. What the record says reaches the page through textContent alone, never as HTML.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const nodes = data.nodes;
  const byId = (id) => document.getElementById(id);
  const COLORS = ["#4a90d9", "#d9822b", "#43a571", "#c8608a", "#8f74d6", "#2fa0ab", "#b08d2e", "#7d8a99"];

  // --- the tree as numbers -------------------------------------------------------------------------------------------
  const children = nodes.map(() => []);
  const roots = [];
  nodes.forEach((node, at) => (node.parent < 0 ? roots : children[node.parent]).push(at));
  const depth = [];
  nodes.forEach((node, at) => depth.push(node.parent < 0 ? 0 : depth[node.parent] + 1));
  const below = nodes.map(() => 0);
  for (let at = nodes.length - 1; at >= 0; at--) if (nodes[at].parent >= 0) below[nodes[at].parent] += below[at] + 1;
  const uses = nodes.map(() => []);
  const usedBy = nodes.map(() => []);
  for (const [source, sink, parameter] of data.edges) {
    uses[sink].push([source, parameter]);
    usedBy[source].push([sink, parameter]);
  }
  const color = (node) => {
    if (node.outcome === "raised") return "#d9534f";
    let sum = 0;
    for (const letter of node.target.split(/[.:]/)[0]) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
    return COLORS[sum % COLORS.length];
  };

  // --- the head ------------------------------------------------------------------------------------------------------
  byId("title").textContent = data.title;
  document.title = `${data.title} · begat`;
  const outcome = byId("outcome");
  outcome.textContent = data.outcome;
  outcome.classList.toggle("bad", /^(raised|killed)/.test(data.outcome));
  for (const [label, words] of data.head) byId("head").append(el("div", "", null, el("dt", "", label), el("dd", "", words)));
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // --- searching -----------------------------------------------------------------------------------------------------
  let wanted = [];
  const matches = (...texts) => {
    const text = texts.join("\n").toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const marked = (tag, className, text) => {
    const word = wanted.find((one) => text.toLowerCase().includes(one));
    if (!word) return el(tag, className, text);
    const at = text.toLowerCase().indexOf(word);
    const made = el(tag, className);
    made.append(el("span", "", text.slice(0, at)), el("mark", "", text.slice(at, at + word.length)), el("span", "", text.slice(at + word.length)));
    return made;
  };
  const search = byId("search");
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      refresh();
    }, 60);
  });

  // --- objects -------------------------------------------------------------------------------------------------------
  const open = new Set();
  let selected = roots.length ? roots[0] : -1;
  const told = (node) => node.args.filter((argument) => argument[2] !== "default").map(([name, value]) => (name ? `${name}=${value}` : value)).join(", ");
  const searched = nodes.map((node) => [node.path, node.target, node.site, ...node.args.flatMap(([name, value]) => [`${name}=${value}`])].join("\n").toLowerCase());

  const tree = new List(byId("tree"), (at) => {
    const node = nodes[at];
    const row = el("div");
    row.style.paddingLeft = `${12 + Math.min(depth[at], 20) * 18}px`;
    const opened = isOpen(at);
    const dot = el("span", "dot");
    dot.style.backgroundColor = color(node);
    row.append(el("span", "twist", children[at].length ? (opened ? "▾" : "▸") : ""), dot, marked("span", "name", node.name));
    row.append(el("span", "given", " = "), marked("span", node.outcome === "raised" ? "bad" : "class", node.called));
    row.append(marked("span", "given", `(${told(node).slice(0, 300)})`));
    if (node.outcome === "raised") row.append(el("span", "tag bad", "raised"));
    if (node.outcome === "deferred") row.append(el("span", "tag", "not built"));
    if (!opened && below[at]) row.append(el("span", "tag", `+${number(below[at])}`));
    if (node.hidden) row.append(el("span", "tag", `${number(node.hidden)} by libraries`));
    row.setAttribute("aria-level", depth[at] + 1);
    if (children[at].length) row.setAttribute("aria-expanded", opened);
    row.title = node.path;
    return row;
  }, {
    role: "tree", item: "treeitem", label: "Objects", none: nodes.length ? "Nothing matches." : "This run built nothing that was recorded.",
    pick: (at, event) => {
      if (event.type === "keydown" || event.target.classList.contains("twist")) toggle(at);
      select(at);
    },
    move: (at) => select(at),
    key: (event, at) => {
      if (event.key === "ArrowRight") {
        if (children[at].length && !isOpen(at)) toggle(at);
        else if (children[at].length) select(children[at][0], true);
      } else if (event.key === "ArrowLeft") {
        if (children[at].length && isOpen(at)) toggle(at);
        else if (nodes[at].parent >= 0) select(nodes[at].parent, true);
      } else if (event.key === "*") {
        children[nodes[at].parent]?.forEach((one) => open.add(one));
        open.add(at);
        plant();
      } else return false;
      return true;
    },
  });
  let kept = null;
  const isOpen = (at) => (kept ? kept.has(at) && children[at].some((child) => kept.has(child)) : open.has(at));
  const toggle = (at) => {
    if (kept) return;
    if (!open.delete(at)) open.add(at);
    plant();
  };
  function plant() {
    kept = null;
    if (wanted.length) {
      kept = new Set();
      nodes.forEach((_, at) => {
        if (!wanted.every((word) => searched[at].includes(word))) return;
        for (let up = at; up >= 0 && !kept.has(up); up = nodes[up].parent) kept.add(up);
      });
    }
    const found = [];
    const todo = [...roots].reverse();
    while (todo.length) {
      const at = todo.pop();
      if (kept && !kept.has(at)) continue;
      found.push(at);
      if (isOpen(at)) for (let i = children[at].length - 1; i >= 0; i--) todo.push(children[at][i]);
    }
    const active = found.indexOf(selected);
    if (active >= 0) tree.active = active;
    tree.show(found);
  }
  function select(at, reveal = false) {
    selected = at;
    if (reveal) {
      for (let up = nodes[at].parent; up >= 0; up = nodes[up].parent) open.add(up);
      if (kept && !kept.has(at)) {
        search.value = "";
        wanted = [];
      }
      plant();
      const found = tree.items.indexOf(at);
      if (found >= 0) tree.reveal(found);
    }
    describe(at);
    if (at >= 0) history.replaceState(null, "", `#${encodeURIComponent(nodes[at].path)}`);
  }
  const link = (at, words) => {
    const made = el("button", "link", words);
    made.type = "button";
    made.addEventListener("click", () => {
      choose("objects");
      select(at, true);
    });
    return made;
  };
  function describe(at) {
    const detail = byId("detail");
    detail.scrollTop = 0;
    if (at < 0) return detail.replaceChildren(el("p", "muted", "Nothing is selected."));
    const node = nodes[at];
    const parts = [el("h3", "", node.path), el("p", "mono class", node.target)];
    const words = [node.kind, node.outcome === "deferred" ? "not built" : node.outcome, node.site && `at ${node.site}`].filter(Boolean);
    parts.push(el("p", "muted", words.join(", ")));
    if (node.error) parts.push(el("p", "mono bad", node.error));
    if (node.args.length) {
      const body = el("tbody");
      for (const [name, value, source, type, was] of node.args) {
        const cell = el("td", "", value);
        if (was !== null) cell.append(el("small", "was", `was ${was}`));
        if (type) cell.append(el("small", "", type));
        const row = el("tr", source === "default" ? "default" : "", null, el("th", "", name), cell, el("td", "source", source));
        row.firstChild.scope = "row";
        body.append(row);
      }
      parts.push(el("h4", "", "Arguments"), el("table", "", null, body));
    }
    const listed = (title, items) => {
      if (!items.length) return;
      const list = el("ul");
      for (const item of items.slice(0, 200)) list.append(el("li", "", typeof item === "string" ? item : null, ...(typeof item === "string" ? [] : [item])));
      if (items.length > 200) list.append(el("li", "muted", `… ${number(items.length - 200)} more`));
      parts.push(el("h4", "", title), list);
    };
    const via = (pairs) => pairs.filter(([, parameter]) => parameter !== null).map(([other, parameter]) => link(other, `${nodes[other].path}  as ${parameter}`));
    listed("Uses", via(uses[at]));
    listed("Used by", via(usedBy[at]));
    listed("Built inside", usedBy[at].filter(([, parameter]) => parameter === null).map(([other]) => link(other, nodes[other].path)));
    listed("Built inside it, by libraries", node.folded);
    listed("Notes", node.notes);
    detail.replaceChildren(...parts);
  }

  // --- parameters ----------------------------------------------------------------------------------------------------
  const cells = (row, ...texts) => {
    texts.forEach((text) => {
      const cell = marked("span", "", text || "");
      cell.title = text || "";
      row.append(cell);
    });
    return row;
  };
  const all = nodes.flatMap((node, at) => [
    [at, node.path, node.target, node.kind, "", node.site],
    ...node.args.filter((argument) => argument[5]).map(([name, value, source, type, was]) => [at, `${node.path}.${name}`, was === null ? value : `${value}  (was ${was})`, source, type, node.site]),
  ]);
  const table = new List(byId("rows"), ([at, ...texts]) => {
    return cells(el("div", `columns ${texts[0] === nodes[at].path ? "node" : `from-${texts[2]}`}`), ...texts);
  }, { label: "Parameters", pick: ([at]) => { choose("objects"); select(at, true); } });
  function list() {
    const chosen = byId("chosen").checked;
    const found = all.filter((row) => !(chosen && row[3] === "default") && matches(row[1], row[2], row[4], row[5]));
    byId("count").textContent = found.length === all.length ? `${number(all.length)} rows` : `${number(found.length)} of ${number(all.length)} rows`;
    table.show(found);
  }
  byId("chosen").addEventListener("change", list);

  // --- call sites ----------------------------------------------------------------------------------------------------
  const grouped = new Map();
  nodes.forEach((node, at) => {
    const key = `${node.site || "unknown"}\n${node.called}`;
    if (!grouped.has(key)) grouped.set(key, []);
    grouped.get(key).push(at);
  });
  const places = [...grouped].map(([key, found]) => [...key.split("\n"), found]);
  const line = (site) => [site.replace(/:\d+$/, ""), Number(site.match(/:(\d+)$/)?.[1] || 0)];
  places.sort(([a], [b]) => (line(a)[0] < line(b)[0] ? -1 : line(a)[0] > line(b)[0] ? 1 : line(a)[1] - line(b)[1]));
  const sites = new List(byId("places"), ([site, called, found]) => {
    const paths = found.slice(0, 12).map((at) => nodes[at].path).join(", ");
    return cells(el("div", "columns three"), site, found.length > 1 ? `${number(found.length)} × ${called}` : called, paths);
  }, { label: "Call sites", pick: ([, , found]) => { choose("objects"); select(found[0], true); } });

  // --- environment ---------------------------------------------------------------------------------------------------
  function environment() {
    const cards = data.environment.map(([title, facts]) => {
      const listed = facts.filter(([name, value]) => matches(title, name, value));
      const inside = el("dl");
      for (const [name, value] of listed) inside.append(el("dt", "", name), marked("dd", "", value));
      return listed.length ? el("div", "card", null, el("h3", "", title), inside) : null;
    });
    byId("facts").replaceChildren(...cards.filter(Boolean));
  }

  // --- the difference to another run ---------------------------------------------------------------------------------
  const changes = data.difference && new List(byId("changed"), ([kind, path, before, after, why]) => {
    const row = cells(el("div", "columns changes"), kind, path, before, after, why);
    row.firstChild.classList.add(`kind-${kind}`);
    return row;
  }, { label: "Differences", none: "Nothing differs.", pick: ([, path]) => {
    const at = nodes.findIndex((node) => path === node.path || path.startsWith(`${node.path}.`) && node.args.some((argument) => `${node.path}.${argument[0]}` === path));
    if (at >= 0) { choose("objects"); select(at, true); }
  } });
  if (changes) {
    byId("compared").textContent = `${data.difference.before}  →  ${data.difference.after}`;
  }

  // --- tabs ----------------------------------------------------------------------------------------------------------
  const views = {
    objects: ["Objects", nodes.length, plant],
    graph: ["Graph", null, () => drawing.draw()],
    parameters: ["Parameters", all.length, list],
    sites: ["Call sites", places.length, () => sites.show(places.filter(([site, called, found]) => matches(site, called, found.map((at) => nodes[at].path).join("\n"))))],
    environment: ["Environment", null, environment],
  };
  if (changes) {
    views.difference = ["Compared", data.difference.rows.length, () => {
      const found = data.difference.rows.filter((row) => matches(...row));
      byId("changes").textContent = `${number(found.length)} ${found.length === 1 ? "difference" : "differences"}`;
      changes.show(found);
    }];
  } else byId("difference").dataset.empty = "";
  let current = "objects";
  for (const [name, [title, count]] of Object.entries(views)) {
    const tab = el("button", "", title);
    tab.type = "button";
    tab.id = `tab-${name}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", name);
    if (count !== null) tab.append(el("small", "", number(count)));
    tab.addEventListener("click", () => choose(name));
    byId("tabs").append(tab);
  }
  byId("tabs").addEventListener("keydown", (event) => {
    const names = Object.keys(views);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(names[(names.indexOf(current) + step + names.length) % names.length]);
    byId(`tab-${current}`).focus();
    event.preventDefault();
  });
  const refresh = () => views[current][2]();
  function choose(name) {
    current = name;
    for (const one of Object.keys(views)) {
      byId(one).hidden = one !== name;
      const tab = byId(`tab-${one}`);
      tab.setAttribute("aria-selected", one === name);
      tab.tabIndex = one === name ? 0 : -1;
    }
    refresh();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search && !event.ctrlKey && !event.metaKey) {
      search.focus();
      search.select();
      event.preventDefault();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      wanted = [];
      refresh();
      byId(current).querySelector("[tabindex='0']")?.focus();
    }
  });

  // --- printing: all of it, up to what paper is for ------------------------------------------------------------------
  const PRINTED = 3000;
  addEventListener("beforeprint", () => {
    wanted = [];
    List.printed = PRINTED;
    const before = new Set(open);
    nodes.forEach((_, at) => open.add(at));
    Object.values(views).forEach(([, , show]) => show());
    open.clear();
    before.forEach((at) => open.add(at));
  });
  addEventListener("afterprint", () => {
    List.printed = 0;
    wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    refresh();
  });

  const drawing = graph({ nodes, roots, children, below, edges: data.edges, color, told, byId, selected: () => selected, select });

  // --- beginning -----------------------------------------------------------------------------------------------------
  if (nodes.length <= 60) nodes.forEach((_, at) => open.add(at));
  else if (roots.length <= 12) roots.forEach((at) => open.add(at));
  choose("objects");
  let asked = "";
  try {
    asked = decodeURIComponent(location.hash.slice(1));
  } catch {
    asked = ""; // an address that somebody cut
  }
  const named = nodes.findIndex((node) => node.path === asked);
  if (named >= 0) select(named, true);
  else describe(selected);
})();
