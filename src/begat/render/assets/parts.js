"use strict";
// What the page is made of: elements, and lists of which only what is in sight is on the page.
const ROW = 28;

const el = (tag, className, text, ...inside) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  made.append(...inside);
  return made;
};
const number = (count) => count.toLocaleString("en");

class List {
  static printed = 0; // how many rows are for paper, while there is printing

  constructor(host, draw, options = {}) {
    this.host = host;
    this.draw = draw;
    this.options = options;
    this.items = [];
    this.active = 0;
    this.room = el("div", "room");
    host.append(this.room);
    host.tabIndex = 0;
    host.setAttribute("role", options.role || "listbox");
    host.setAttribute("aria-label", options.label);
    this.room.setAttribute("role", "presentation");
    host.addEventListener("scroll", () => this.render(), { passive: true });
    host.addEventListener("keydown", (event) => this.key(event));
    this.room.addEventListener("click", (event) => {
      const row = event.target.closest("[data-at]");
      if (row) this.pick(Number(row.dataset.at), event);
    });
    new ResizeObserver(() => this.render()).observe(host);
  }

  show(items) {
    this.items = items;
    this.active = Math.min(this.active, Math.max(items.length - 1, 0));
    this.room.style.height = `${items.length * ROW}px`;
    this.shown = null;
    this.render();
  }

  render() {
    const everything = List.printed;
    const height = this.host.clientHeight;
    if (!height && !everything) return;
    const first = everything ? 0 : Math.max(0, Math.floor(this.host.scrollTop / ROW) - 8);
    const last = Math.min(this.items.length, everything || first + Math.ceil(height / ROW) + 16);
    const key = `${first}-${last}-${this.active}-${this.items.length}-${everything}`;
    if (key === this.shown) return;
    this.shown = key;
    const rows = [];
    for (let at = first; at < last; at++) {
      const row = this.draw(this.items[at], at);
      row.classList.add("row");
      row.dataset.at = at;
      row.id = `${this.host.id}-${at}`;
      row.style.top = `${at * ROW}px`;
      row.setAttribute("role", this.options.item || "option");
      row.setAttribute("aria-setsize", this.items.length);
      row.setAttribute("aria-posinset", at + 1);
      row.setAttribute("aria-selected", at === this.active);
      rows.push(row);
    }
    if (everything && last < this.items.length) rows.push(el("p", "muted", `… ${number(this.items.length - last)} more`));
    if (!this.items.length) rows.push(el("div", "none", this.options.none || "Nothing matches."));
    this.room.replaceChildren(...rows);
    if (this.items.length) this.host.setAttribute("aria-activedescendant", `${this.host.id}-${this.active}`);
    else this.host.removeAttribute("aria-activedescendant");
  }

  pick(at, event) {
    this.active = at;
    this.render();
    this.options.pick?.(this.items[at], event);
  }

  reveal(at) {
    this.active = at;
    const top = at * ROW;
    const host = this.host;
    if (top < host.scrollTop || top + ROW > host.scrollTop + host.clientHeight) host.scrollTop = top - host.clientHeight / 3;
    this.render();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.items.length) return;
    const page = Math.max(1, Math.floor(this.host.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const to = Math.max(0, Math.min(this.items.length - 1, this.active + steps[event.key]));
      this.reveal(to);
      this.options.move?.(this.items[to]);
    } else if (event.key === "Enter") this.options.pick?.(this.items[this.active], event);
    else if (!this.options.key?.(event, this.items[this.active])) return;
    event.preventDefault();
  }
}
