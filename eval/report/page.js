"use strict";
// The report is complete without this script; with it, tables sort and filter, methods can be brought out of a figure,
// and search graphs can be zoomed.
document.documentElement.classList.add("js");

// What a cell is sorted by: a number, a text, or null for what is missing.
function sortKey(cell) {
  const text = cell.dataset.sort ?? cell.textContent.trim();
  if (text === "") return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

// Missing ones last, whatever the direction.
function order(one, other, direction) {
  if (one === null || other === null) return (one === null) - (other === null);
  const numbers = typeof one === "number" && typeof other === "number";
  return direction * (numbers ? one - other : String(one).localeCompare(String(other), "en", { numeric: true }));
}

// Numbers begin with the highest, texts with the first.
function sortBy(table, column) {
  const body = table.tBodies[0];
  const header = table.tHead.rows[0].cells[column];
  const keyed = [...body.rows].map((row) => [sortKey(row.cells[column]), row]);
  const first = keyed.some(([key]) => typeof key === "number") ? "descending" : "ascending";
  const second = first === "descending" ? "ascending" : "descending";
  const chosen = header.getAttribute("aria-sort") === first ? second : first;
  keyed.sort(([one], [other]) => order(one, other, chosen === "ascending" ? 1 : -1));
  body.append(...keyed.map(([, row]) => row));
  for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", chosen);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column));
    header.append(button);
  });
}

// A field that leaves the lines of tables and the entries of lists whose name has the text.
for (const tools of document.querySelectorAll(".tools[data-filters]")) {
  const [field, count] = [tools.querySelector("input"), tools.querySelector("output")];
  const entries = [...document.querySelectorAll(tools.dataset.filters)].map((entry) => [
    entry, entry.querySelector("th, summary b").textContent.toLowerCase(),
  ]);
  const all = new Set(entries.map(([, name]) => name)).size;
  const filter = () => {
    const wanted = field.value.trim().toLowerCase();
    const left = new Set();
    for (const [entry, name] of entries) {
      entry.hidden = !name.includes(wanted);
      if (!entry.hidden) left.add(name);
    }
    count.value = `${left.size} of ${all}`;
  };
  field.addEventListener("input", filter);
  filter();
  tools.hidden = false;
}

// Of many folds, the one that is chosen by its name is shown, and open.
for (const tools of document.querySelectorAll(".tools[data-choose]")) {
  const choice = tools.querySelector("select");
  const folds = [...document.querySelectorAll(tools.dataset.choose)];
  for (const fold of folds) choice.add(new Option(fold.querySelector("summary b").textContent));
  const choose = () => folds.forEach((fold, index) => {
    fold.hidden = index !== choice.selectedIndex;
    fold.open = !fold.hidden;
  });
  choice.addEventListener("change", choose);
  choose();
  tools.hidden = false;
}

// The legend: chosen methods are brought out in every figure of the page.
const chosen = new Set();
document.addEventListener("click", (event) => {
  const method = event.target.closest("button[data-method]")?.dataset.method;
  if (method === undefined) return;
  if (!chosen.delete(method)) chosen.add(method);
  for (const element of document.querySelectorAll("[data-method]")) {
    const out = chosen.has(element.dataset.method);
    element.classList.toggle("faded", chosen.size > 0 && !out);
    if (element.matches("button")) element.setAttribute("aria-pressed", String(out));
  }
});

// Graphs: buttons, keys, drag and pinch always; the wheel once the frame has been clicked, so that the page scrolls.
const MOST_ZOOM = 40;
for (const frame of document.querySelectorAll(".zoom")) {
  const canvas = frame.firstElementChild;
  const pointers = new Map();
  let [scale, x, y] = [1, 0, 0];
  const show = () => {
    canvas.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  };
  const move = (right, down) => {
    [x, y] = [x + right, y + down];
    show();
  };
  const zoom = (factor, atX = frame.clientWidth / 2, atY = frame.clientHeight / 2) => {
    const next = Math.min(MOST_ZOOM, Math.max(1, scale * factor));
    [x, y] = [atX - ((atX - x) * next) / scale, atY - ((atY - y) * next) / scale];
    scale = next;
    if (scale === 1) [x, y] = [0, 0];
    show();
  };
  const fit = () => zoom(0);
  // At its own size and from its left end, where it would be too small to read as a whole.
  const begin = () => {
    const { width, height } = canvas.firstElementChild.viewBox.baseVal ?? {};
    const fitting = Math.min(frame.clientWidth / width, frame.clientHeight / height);
    if (scale > 1 || !(fitting > 0 && fitting < 1)) return;
    zoom(1 / fitting);
    move(-x - (scale * (frame.clientWidth - width * fitting)) / 2, 0);
  };
  frame.closest("details").addEventListener("toggle", begin);
  const inside = (event) => {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== frame) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.002), ...inside(event));
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    pointers.set(event.pointerId, inside(event));
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = inside(event);
    pointers.set(event.pointerId, now);
    move((now[0] - before[0]) / pointers.size, (now[1] - before[1]) / pointers.size);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
      zoom(apart(now) / Math.max(1, apart(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  const keys = {
    "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), "0": fit,
    ArrowLeft: () => move(60, 0), ArrowRight: () => move(-60, 0), ArrowUp: () => move(0, 60), ArrowDown: () => move(0, -60),
  };
  frame.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const tools = frame.parentElement.querySelector(".zoom-tools");
  tools.hidden = false;
  for (const button of tools.querySelectorAll("button")) {
    button.addEventListener("click", () => keys[button.dataset.key]());
  }
}
