// Theme, ranges, and tables that page and sort.
function escapeText(text) { const e = document.createElement("i"); e.textContent = text; return e.innerHTML; }

(() => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("candlewick-theme"); } catch { return null; } };
  const forced = /^#(dark|light)\b/.exec(location.hash);
  const apply = (theme) => { root.dataset.theme = theme; chart.redraw(); };
  const preferred = () => (forced && forced[1]) || kept() || (dark.matches ? "dark" : "light");
  apply(preferred());
  dark.addEventListener("change", () => apply(preferred()));
  document.getElementById("theme").addEventListener("click", () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("candlewick-theme", theme); } catch { /* a page from a file may not keep anything */ }
    apply(theme);
  });
  let before = null;
  addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; chart.now(); });
  addEventListener("afterprint", () => apply(before));
})();

(() => {
  const place = document.querySelector(".ranges"), day = 86400;
  const all = [["All", chart.end], ["1Y", 365 * day], ["3M", 91 * day], ["1M", 30 * day], ["1W", 7 * day], ["1D", day], ["6H", day / 4]];
  for (const [name, span] of all.filter(([n, s]) => n === "All" || (s < chart.end && s >= chart.least))) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = name; button.dataset.span = span;
    button.addEventListener("click", () => { const [a, b] = chart.view(), middle = (a + b) / 2; chart.look(middle - span / 2, middle + span / 2); });
    place.append(button);
  }
  const mark = () => { const [a, b] = chart.view(); for (const button of place.children) button.setAttribute("aria-pressed", Math.abs(b - a - button.dataset.span) < 1); };
  chart.stage.addEventListener("view", mark);
  mark();
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => chart.zoom(button.dataset.zoom === "in" ? .5 : 2));
})();

document.getElementById("market")?.addEventListener("change", (event) => { take(event.target.value); chart.redraw(); });

for (const sheet of document.querySelectorAll(".sheet")) {
  const body = sheet.querySelector("tbody"), shown = Number(sheet.dataset.shown), pager = sheet.querySelector(".pager");
  let rows = [...body.rows], page = 0;
  const make = (text, label) => { const b = document.createElement("button"); b.type = "button"; b.textContent = text; b.setAttribute("aria-label", label); return b; };
  const back = make("‹", "Previous rows"), next = make("›", "Next rows"), where = document.createElement("span");
  const show = () => {
    rows.forEach((row, i) => { row.hidden = i < page * shown || i >= (page + 1) * shown; });
    where.textContent = `${page * shown + 1}–${Math.min(rows.length, (page + 1) * shown)} of ${rows.length}`;
    back.disabled = page === 0; next.disabled = (page + 1) * shown >= rows.length;
  };
  if (rows.length > shown) {
    pager.prepend(back, next, where);
    back.addEventListener("click", () => { page--; show(); });
    next.addEventListener("click", () => { page++; show(); });
    show();
  }
  const heads = [...sheet.querySelectorAll("thead th")];
  heads.forEach((head, column) => head.firstChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((h) => h.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = (row) => { const cell = row.cells[column]; return cell?.dataset.s !== undefined ? Number(cell.dataset.s) : cell?.textContent ?? ""; };
    rows.sort((a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1); });
    body.append(...rows);
    page = 0;
    show();
  }));
}
