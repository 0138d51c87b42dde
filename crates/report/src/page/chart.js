// The chart: three panes over one time axis, with a view that moves and a crosshair.
const chart = (() => {
  const stage = document.querySelector(".stage"), canvas = stage.querySelector("canvas"), g = canvas.getContext("2d");
  const legends = Object.fromEntries([...stage.querySelectorAll(".legend")].map((l) => [l.dataset.pane, l]));
  const tip = stage.querySelector(".tip"), levelText = document.querySelector(".level");
  const END = Math.max(1, DATA.end), LEAST = Math.max(30, (LEVELS[0]?.length || 60) * 15);
  let view = [0, END], hover = null, colors = {}, size = [0, 0], waiting = false, panes = {};

  const readColors = () => {
    const css = getComputedStyle(document.documentElement);
    for (const name of ["card", "ink", "soft", "faint", "line", "grid", "accent", "hold", "up", "down", "buy", "sell", "shade", "band"]) colors[name] = css.getPropertyValue("--" + name).trim();
    colors.font = "11px " + css.getPropertyValue("--sans");
  };
  const rows = (level) => {
    const from = Math.max(0, firstAt(level.time, view[0] - level.length) - 1);
    return [from, Math.min(level.count, firstAt(level.time, view[1]) + 1)];
  };
  // The finest level that covers the view with no more than so many buckets.
  const pick = (most) => {
    const span = view[1] - view[0];
    return (LEVELS.find((l) => !l.windows.length && (span / l.length <= most || l.count <= most)) || LEVELS[LEVELS.length - 1]).get();
  };
  // Where single bars are kept around fills only: those stretches of the view, if bars would be seen.
  const detail = (most) => {
    const l = LEVELS[0], span = view[1] - view[0];
    if (!l.windows.length || span / l.length > most) return null;
    const windows = l.windows.filter(([a, b]) => a < view[1] && b > view[0]);
    return windows.length ? { level: l.get(), windows } : null;
  };
  // Paints inside of the given stretches, or outside of them.
  const within = (p, windows, inside, paint) => {
    g.save(); g.beginPath();
    if (!inside) g.rect(p.left, p.top - 2, p.right - p.left, p.height + 4);
    for (const [a, b] of windows) g.rect(p.x(a), p.top - 2, p.x(b) - p.x(a), p.height + 4);
    g.clip("evenodd"); paint(); g.restore();
  };
  const extent = (range, lists, pad) => {
    let low = Infinity, high = -Infinity;
    for (const list of lists) for (let i = range[0]; i < range[1]; i++) { if (list[i] < low) low = list[i]; if (list[i] > high) high = list[i]; }
    if (!(low < Infinity)) [low, high] = [0, 1];
    const room = (high - low) * pad || Math.abs(high) * .01 || 1;
    return [low - room, high + room];
  };
  const pane = (top, height, low, high) => {
    const left = 2, right = size[0] - 70;
    return {
      top, height, bottom: top + height, left, right, low, high, from: view[0], to: view[1],
      x: (t) => left + (t - view[0]) / (view[1] - view[0]) * (right - left),
      y: (v) => top + (high - v) / (high - low) * height,
    };
  };
  const clipped = (p, paint) => { g.save(); g.beginPath(); g.rect(p.left, p.top - 2, p.right - p.left, p.height + 4); g.clip(); paint(); g.restore(); };

  const layout = (lines, lineRows, candles, candleRows) => {
    const free = size[1] - 26 - 28, h = [.33, .15, .52].map((s) => Math.round(s * free));
    const [eLow, eHigh] = extent(lineRows, [lines.equityMin, lines.equityMax, lines.holdMin, lines.holdMax], .06);
    const [dLow] = extent(lineRows, [lines.drawdown, lines.holdDrawdown], .06);
    const [pLow, pHigh] = extent(candleRows, [candles.low, candles.high], .05);
    const tall = (pHigh - pLow) * .16, above = (high, low, px, height) => high + (high - low) * px / height;
    panes = {
      equity: pane(0, h[0], eLow, above(eHigh, eLow, 16, h[0])), drawdown: pane(h[0] + 14, h[1], Math.min(dLow, -1e-4) * (1 + 20 / (h[1] - 20)), 0),
      price: pane(h[0] + h[1] + 28, h[2], pLow - tall, above(pHigh, pLow, size[0] < 600 ? 56 : 24, h[2])),
    };
  };
  const axis = () => {
    const p = panes.price, width = p.right - p.left;
    g.font = colors.font; g.textBaseline = "top"; g.textAlign = "center";
    for (const { t, text, strong } of timeTicks(view[0], view[1], width / 84)) {
      const x = Math.round(p.x(t)) + .5;
      g.strokeStyle = strong ? colors.line : colors.grid; g.lineWidth = 1;
      for (const q of Object.values(panes)) { g.beginPath(); g.moveTo(x, q.top); g.lineTo(x, q.bottom); g.stroke(); }
      if (x < p.left + 18 || x > p.right - 12) continue;
      g.fillStyle = strong ? colors.soft : colors.faint; g.fillText(text, x, p.bottom + 8);
    }
    g.strokeStyle = colors.line;
    for (const q of Object.values(panes)) { g.beginPath(); g.moveTo(q.left, q.bottom + .5); g.lineTo(q.right, q.bottom + .5); g.stroke(); }
  };
  const item = (name, value, kind = "") => `<span><em class="${kind}">${name}</em> <b>${value}</b></span>`;
  const legend = (lines, lineRows, candles, candleRows) => {
    const at = (level, range) => hover ? Math.min(range[1] - 1, Math.max(range[0], firstAt(level.time, hover.t - level.length + 1e-6))) : Math.min(level.count - 1, range[1] - 1);
    const i = at(lines, lineRows), c = at(candles, candleRows), d = DATA.price_decimals, m = DATA.amount_decimals;
    if (i < 0 || c < 0) return;
    legends.equity.innerHTML = item("Equity", grouped(lines.equity[i], m), "a") + item("Buy &amp; hold", grouped(lines.hold[i], m), "h") + (hover ? item(stamp(lines.time[i] + lines.length), "") : "");
    legends.drawdown.innerHTML = item("Drawdown", percent(lines.drawdown[i]), "a") + item("Buy &amp; hold", percent(lines.holdDrawdown[i]), "h");
    const change = candles.close[c] / candles.open[c] - 1;
    legends.price.innerHTML = item(escapeText(DATA.symbol), candles.name) + ["open", "high", "low", "close"].map((k) => item(k[0].toUpperCase(), grouped(candles[k][c], d))).join("") + item("", (change > 0 ? "+" : "") + percent(change), "") + item("V", short(candles.volume[c]));
    for (const [name, element] of Object.entries(legends)) element.style.top = (name === "drawdown" ? panes[name].bottom - 22 : panes[name].top + 4) + "px";
  };
  const crosshair = (candles, shown) => {
    tip.hidden = true;
    if (!hover) return;
    const p = panes.price, x = Math.round(p.x(hover.t)) + .5;
    g.strokeStyle = colors.faint; g.setLineDash([3, 3]); g.lineWidth = 1;
    g.beginPath(); g.moveTo(x, 0); g.lineTo(x, p.bottom); g.stroke();
    const over = Object.entries(panes).find(([, q]) => hover.y >= q.top && hover.y <= q.bottom);
    if (over) {
      const [name, q] = over, value = q.high - (hover.y - q.top) / q.height * (q.high - q.low);
      g.beginPath(); g.moveTo(q.left, hover.y); g.lineTo(q.right, hover.y); g.stroke();
      g.setLineDash([]); g.font = colors.font;
      drawTag(g, q, hover.y, name === "drawdown" ? percent(value) : grouped(value, name === "price" ? DATA.price_decimals : DATA.amount_decimals), colors.ink, colors.card);
    }
    g.setLineDash([]); g.font = colors.font; g.textAlign = "center"; g.textBaseline = "middle";
    const text = stamp(hover.t), width = g.measureText(text).width + 12, tx = Math.min(p.right - width / 2, Math.max(p.left + width / 2, x));
    g.fillStyle = colors.ink; g.fillRect(tx - width / 2, p.bottom + 4, width, 18);
    g.fillStyle = colors.card; g.fillText(text, tx, p.bottom + 13.5);
    showFill(p, candles, isCrowded(p, shown));
  };
  const showFill = (p, candles, crowded) => {
    const reach = (view[1] - view[0]) / (p.right - p.left) * 9 + (crowded ? candles.length : 0);
    let best = null, least = 14;
    for (let i = firstAt(FILLS, hover.t - reach, (f) => f.time); i < FILLS.length && FILLS[i].time <= hover.t + reach; i++) {
      const [x, y] = fillSpot(p, FILLS[i], candles, crowded), far = Math.hypot(x - p.x(hover.t), y + (FILLS[i].buy ? 5 : -5) - hover.y);
      if (far < least) [best, least] = [FILLS[i], far];
    }
    if (!best) return;
    tip.innerHTML = `<b class="${best.buy ? "buy" : "sell"}">${best.buy ? "BUY" : "SELL"}</b> ${best.maker ? "maker" : "taker"} ${grouped(best.quantity, DATA.quantity_decimals)} ${escapeText(DATA.base)}<br>at <b>${grouped(best.price, DATA.price_decimals)}</b><br>${stamp(best.time)}`;
    tip.hidden = false;
    const x = p.x(best.time) + 14;
    tip.style.left = Math.min(x, size[0] - tip.offsetWidth - 4) + "px";
    tip.style.top = Math.min(p.y(best.price) + 12, p.bottom - 64) + "px";
  };
  const draw = () => {
    waiting = false;
    if (!LEVELS.length) { legends.price.textContent = "No bars."; return; }
    const ratio = devicePixelRatio || 1;
    size = [stage.clientWidth, stage.clientHeight];
    if (canvas.width !== Math.round(size[0] * ratio) || canvas.height !== Math.round(size[1] * ratio)) [canvas.width, canvas.height] = size.map((s) => Math.round(s * ratio));
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, ...size);
    const lines = pick(Math.max(1200, size[0] * 4)), candles = pick(Math.max(60, (size[0] - 70) / 2.6));
    const fine = detail(Math.max(60, (size[0] - 70) / 2.6)), lineRows = rows(lines), candleRows = rows(candles);
    layout(lines, lineRows, candles, candleRows);
    const { equity, drawdown, price } = panes;
    for (const p of Object.values(panes)) drawGaps(g, p, colors);
    axis();
    drawFrame(g, equity, colors, grouped);
    drawFrame(g, drawdown, colors, (v) => percent(v, v * 100 % 1 ? 1 : 0));
    drawFrame(g, price, colors, grouped);
    const twice = (p, coarse, paint) => clipped(p, () => {
      if (!fine) { paint(coarse, rows(coarse)); return; }
      within(p, fine.windows, false, () => paint(coarse, rows(coarse)));
      within(p, fine.windows, true, () => paint(fine.level, rows(fine.level)));
    });
    twice(equity, lines, (l, r) => {
      drawLine(g, equity, l, r, l.hold, l.holdMin, l.holdMax, colors.hold, 1.1);
      drawLine(g, equity, l, r, l.equity, l.equityMin, l.equityMax, colors.accent, 1.6);
    });
    twice(drawdown, lines, (l, r) => {
      drawArea(g, drawdown, l, r, l.drawdown, colors.band);
      drawLine(g, drawdown, l, r, l.holdDrawdown, null, null, colors.hold, 1);
      drawLine(g, drawdown, l, r, l.drawdown, null, null, colors.accent, 1.3);
    });
    const shown = [firstAt(FILLS, view[0], (f) => f.time), firstAt(FILLS, view[1] + 1e-6, (f) => f.time)];
    twice(price, candles, (l, r) => drawCandles(g, price, l, r, colors));
    clipped(price, () => drawFills(g, price, shown, candles, colors));
    crosshair(candles, shown);
    const near = fine && hover && fine.windows.some(([a, b]) => hover.t >= a && hover.t < b) ? fine.level : null;
    legend(near || lines, near ? rows(near) : lineRows, near || candles, near ? rows(near) : candleRows);
    const left = DATA.fills.total - DATA.fills.count;
    levelText.textContent = `${candles.name} candles${fine ? `, ${fine.level.name} around fills` : ""} · ${shown[1] - shown[0]} fills in view` + (left ? ` · ${left} more in fills.csv` : "");
  };
  const soon = () => { if (!waiting) { waiting = true; requestAnimationFrame(draw); } };
  const look = (from, to) => {
    const span = Math.min(END, Math.max(LEAST, to - from)), middle = (from + to) / 2;
    const start = Math.min(END - span, Math.max(0, middle - span / 2));
    view = [start, start + span];
    stage.dispatchEvent(new CustomEvent("view", { detail: view }));
    soon();
  };
  const zoom = (factor, around = (view[0] + view[1]) / 2) => {
    const span = Math.min(END, Math.max(LEAST, (view[1] - view[0]) * factor)), share = (around - view[0]) / (view[1] - view[0]);
    look(around - share * span, around + (1 - share) * span);
  };
  const timeAt = (x) => view[0] + (x - 2) / (size[0] - 72) * (view[1] - view[0]);

  const pointers = new Map();
  let dragged = null;
  const local = (e) => { const box = stage.getBoundingClientRect(); return { x: e.clientX - box.left, y: e.clientY - box.top }; };
  stage.addEventListener("pointerdown", (e) => { pointers.set(e.pointerId, local(e)); stage.setPointerCapture(e.pointerId); dragged = { view: [...view], points: [...pointers.values()] }; });
  stage.addEventListener("pointermove", (e) => {
    const at = local(e);
    if (pointers.has(e.pointerId)) pointers.set(e.pointerId, at);
    const points = [...pointers.values()];
    hover = at.x >= 2 && at.x <= size[0] - 70 ? { t: timeAt(at.x), y: at.y } : null;
    if (dragged && points.length === 1) {
      const per = (dragged.view[1] - dragged.view[0]) / (size[0] - 72), by = (dragged.points[0].x - points[0].x) * per;
      look(dragged.view[0] + by, dragged.view[1] + by);
    } else if (dragged && points.length === 2 && dragged.points.length === 2) {
      const gap = (p) => Math.max(8, Math.abs(p[0].x - p[1].x)), span = (dragged.view[1] - dragged.view[0]) * gap(dragged.points) / gap(points);
      const middle = (p) => (p[0].x + p[1].x) / 2, held = dragged.view[0] + (middle(dragged.points) - 2) / (size[0] - 72) * (dragged.view[1] - dragged.view[0]);
      const start = held - (middle(points) - 2) / (size[0] - 72) * span;
      look(start, start + span);
    }
    soon();
  });
  const release = (e) => { pointers.delete(e.pointerId); dragged = pointers.size ? { view: [...view], points: [...pointers.values()] } : null; };
  stage.addEventListener("pointerup", release);
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", () => { hover = null; soon(); });
  stage.addEventListener("dblclick", () => look(0, END));
  stage.addEventListener("wheel", (e) => {
    if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) { e.preventDefault(); const by = e.deltaX / size[0] * (view[1] - view[0]); look(view[0] + by, view[1] + by); return; }
    if (!(e.ctrlKey || e.metaKey || document.activeElement === stage)) return;
    e.preventDefault();
    zoom(Math.exp(Math.max(-120, Math.min(120, e.deltaY)) * .0025), timeAt(local(e).x));
  }, { passive: false });
  stage.addEventListener("keydown", (e) => {
    const span = view[1] - view[0];
    const act = { ArrowLeft: () => look(view[0] - span * .15, view[1] - span * .15), ArrowRight: () => look(view[0] + span * .15, view[1] + span * .15), "+": () => zoom(.6), "=": () => zoom(.6), "-": () => zoom(1 / .6), 0: () => look(0, END), Home: () => look(0, span), End: () => look(END - span, END) }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  new ResizeObserver(soon).observe(stage);
  return { look, zoom, end: END, least: LEAST, stage, view: () => view, redraw: () => { readColors(); soon(); }, now: () => { readColors(); draw(); } };
})();
