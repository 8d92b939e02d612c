"use strict";
// The tables sort and filter where there is a script; without one every row is there to read.
(() => {
  const { words, runs } = JSON.parse(document.getElementById("told").textContent);
  const AT_ONCE = 100;  // rows of a long table before the reader asks for the rest
  const CHOSEN = ["verdict", "verdict_other", "agree", "apart", "kind", "chance", "sampler", "what"];  // a few words to choose from

  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  /** A cell as a number, the first one in it; NaN where there is none. */
  const number = (text) => {
    const found = text.replace(/−/g, "-").replace(/(\d)\s(?=\d)/g, "$1").match(/-?\d+(\.\d+)?/);
    return found ? Number(found[0]) - (text.includes("<") ? 1e-9 : 0) : NaN;
  };

  const compare = (place, numeric, sign) => (left, right) => {
    const [a, b] = [left, right].map((row) => row.cells[place].textContent.trim());
    if (!numeric) return sign * a.localeCompare(b, document.documentElement.lang, { numeric: true });
    const [x, y] = [number(a), number(b)];
    // What has no number stays at the end, whichever way.
    return Number.isNaN(x) || Number.isNaN(y) ? Number.isNaN(x) - Number.isNaN(y) : sign * (x - y);
  };

  const enhance = (figure) => {
    const table = figure.querySelector("table"), body = table.tBodies[0], rows = [...body.rows];
    if (rows.length < 2) return;
    const heads = [...table.tHead.rows[0].cells];
    const box = make("input", { type: "search", placeholder: words.filter });
    box.setAttribute("aria-label", words.filter);
    const said = make("output");
    const more = make("button", { type: "button", className: "more" });
    let order = rows, whole = rows.length <= AT_ONCE;

    const choices = heads.flatMap((head, place) => {
      const values = [...new Set(rows.map((row) => row.cells[place].textContent.trim()))];
      const few = values.length > 1 && values.length < rows.length;
      if (!few || !CHOSEN.includes(head.dataset.key)) return [];
      const any = make("option", { value: "" }, fill(words.any, { column: head.textContent.trim() }));
      const select = make("select", {}, any, ...values.map((value) => make("option", { value }, value)));
      select.setAttribute("aria-label", head.textContent.trim());
      return [{ place, select }];
    });

    const show = () => {
      const wanted = box.value.trim().toLowerCase();
      const kept = order.filter((row) =>
        row.textContent.toLowerCase().includes(wanted) &&
        choices.every(({ place, select }) => !select.value || row.cells[place].textContent.trim() === select.value));
      const shown = new Set(whole ? kept : kept.slice(0, AT_ONCE));
      for (const row of order) row.hidden = !shown.has(row);
      body.append(...order);
      said.textContent = fill(words.rows, { shown: shown.size, total: rows.length });
      more.hidden = kept.length <= AT_ONCE;
      more.textContent = fill(whole ? words.first : words.all, { n: whole ? AT_ONCE : kept.length });
    };

    heads.forEach((head, place) => {
      const button = make("button", { type: "button", title: words.sort }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "" }[head.getAttribute("aria-sort") ?? ""] ?? "ascending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        const sign = next === "descending" ? -1 : 1;
        order = next ? [...rows].sort(compare(place, !head.classList.contains("text"), sign)) : rows;
        show();
      });
    });
    [box, ...choices.map(({ select }) => select)].forEach((control) => control.addEventListener("input", show));
    more.addEventListener("click", () => { whole = !whole; show(); });

    const scroll = figure.querySelector(".scroll");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", figure.querySelector("figcaption").textContent);
    if (rows.length > 3) scroll.before(make("div", { className: "tools" }, box, ...choices.map((c) => c.select), said));
    scroll.after(more);
    show();
    said.setAttribute("aria-live", "polite");
  };

  document.querySelectorAll("figure.table").forEach(enhance);

  // Thousands of runs are named once in the page, in 8 bytes each where their names are 16 hexadecimal
  // digits; a cell has their numbers.
  const hex = (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0");
  const named = (first, end) => typeof runs === "string"
    ? Array.from({ length: end - first }, (_, i) =>
        Array.from(bytes().slice(8 * (first + i), 8 * (first + i + 1)), hex).join(""))
    : runs.slice(first, end);
  let unpacked;
  const bytes = () => (unpacked ??= atob(runs));
  const name = (event) => {
    const cell = event.target.closest?.("[data-runs]");
    if (!cell || cell.title) return;
    const keys = cell.dataset.runs.split(" ").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return named(first, last + 1);
    });
    cell.title = fill(words.runs, { keys: keys.join(" ") });
  };
  ["pointerover", "focusin"].forEach((event) => document.addEventListener(event, name));

  const code = document.querySelector("pre code");
  if (code) {
    const button = make("button", { type: "button" }, words.copy);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = words.copied;
    });
    code.parentElement.after(button);
  }

  // Paper shows everything.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));
})();
