// Marks on a canvas: lines with their extremes, areas, candles, fills, gaps. A pane maps time
// to x and value to y; nothing here knows about views or pointers.
const drawGaps = (g, pane, colors) => {
  g.fillStyle = colors.shade;
  for (const [from, to] of DATA.gaps) {
    if (to < pane.from || from > pane.to) continue;
    const x = Math.max(pane.left, pane.x(from)), end = Math.min(pane.right, pane.x(to));
    g.fillRect(x, pane.top, Math.max(1, end - x), pane.height);
  }
};

const drawLine = (g, pane, level, range, last, low, high, color, width) => {
  g.beginPath();
  g.strokeStyle = color; g.lineWidth = width; g.lineJoin = "round";
  const narrow = pane.x(level.length) - pane.x(0) < 4;
  for (let i = range[0]; i < range[1]; i++) {
    const x = pane.x(level.time[i] + level.length), y = pane.y(last[i]);
    if (narrow && low && high[i] > low[i]) { g.lineTo(x, pane.y(low[i])); g.lineTo(x, pane.y(high[i])); }
    g.lineTo(x, y);
  }
  g.stroke();
};

const drawArea = (g, pane, level, range, values, color) => {
  if (range[1] <= range[0]) return;
  g.beginPath();
  g.fillStyle = color;
  g.moveTo(pane.x(level.time[range[0]] + level.length), pane.y(0));
  for (let i = range[0]; i < range[1]; i++) g.lineTo(pane.x(level.time[i] + level.length), pane.y(values[i]));
  g.lineTo(pane.x(level.time[range[1] - 1] + level.length), pane.y(0));
  g.fill();
};

const drawCandles = (g, pane, level, range, colors) => {
  const room = pane.x(level.length) - pane.x(0);
  const body = Math.max(1, Math.min(14, room * .68)), thin = body < 2.2;
  let most = 0;
  for (let i = range[0]; i < range[1]; i++) most = Math.max(most, level.volume[i]);
  for (const rising of [true, false]) {
    g.fillStyle = rising ? colors.up : colors.down;
    for (let i = range[0]; i < range[1]; i++) {
      if ((level.close[i] >= level.open[i]) !== rising) continue;
      const x = pane.x(level.time[i] + level.length / 2);
      if (most) { g.globalAlpha = .16; const h = level.volume[i] / most * pane.height * .17; g.fillRect(x - body / 2, pane.bottom - h, body, h); g.globalAlpha = 1; }
      const high = pane.y(level.high[i]), low = pane.y(level.low[i]);
      g.globalAlpha = thin ? .55 : 1;
      g.fillRect(x - .5, high, 1, Math.max(1, low - high));
      g.globalAlpha = 1;
      const top = pane.y(Math.max(level.open[i], level.close[i])), bottom = pane.y(Math.min(level.open[i], level.close[i]));
      g.fillRect(x - body / 2, top, body, Math.max(1, bottom - top));
    }
  }
};

// Where a fill stands: at its price, or, where fills crowd, beside the candle it belongs to.
const isCrowded = (pane, range) => (pane.right - pane.left) / Math.max(1, range[1] - range[0]) < 7;
const fillSpot = (pane, fill, candles, crowded) => {
  if (!crowded) return [pane.x(fill.time), pane.y(fill.price)];
  const i = Math.max(0, firstAt(candles.time, fill.time + 1e-6) - 1);
  return [pane.x(candles.time[i] + candles.length / 2), fill.buy ? pane.y(candles.low[i]) + 7 : pane.y(candles.high[i]) - 7];
};

const drawFills = (g, pane, range, candles, colors) => {
  const crowded = isCrowded(pane, range), room = (pane.right - pane.left) / Math.max(1, range[1] - range[0]);
  const size = crowded ? 2.5 : Math.max(3.4, Math.min(6, 2 + room / 4));
  g.lineJoin = "miter";
  for (let i = range[0]; i < range[1]; i++) {
    const fill = FILLS[i], [x, y] = fillSpot(pane, fill, candles, crowded), down = fill.buy ? 1 : -1;
    g.beginPath(); g.moveTo(x, y); g.lineTo(x + size, y + down * size * 1.7); g.lineTo(x - size, y + down * size * 1.7); g.closePath();
    const color = fill.buy ? colors.buy : colors.sell;
    if (!crowded) { g.lineWidth = 2.5; g.strokeStyle = colors.card; g.stroke(); }
    g.fillStyle = fill.maker ? colors.card : color; g.fill();
    if (fill.maker) { g.lineWidth = crowded ? .9 : 1.4; g.strokeStyle = color; g.stroke(); }
  }
};

const drawFrame = (g, pane, colors, label) => {
  const { values, decimals } = niceSteps(pane.low, pane.high, pane.height / 46);
  g.font = colors.font; g.textBaseline = "middle"; g.textAlign = "left";
  for (const value of values) {
    const y = Math.round(pane.y(value)) + .5;
    if (y < pane.top + 4 || y > pane.bottom + 1) continue;
    g.strokeStyle = colors.grid; g.lineWidth = 1;
    g.beginPath(); g.moveTo(pane.left, y); g.lineTo(pane.right, y); g.stroke();
    g.fillStyle = colors.faint;
    g.fillText(label(value, decimals), pane.right + 8, y);
  }
};

const drawTag = (g, pane, y, text, color, ink) => {
  g.font = g.font; g.textBaseline = "middle"; g.textAlign = "left";
  const width = g.measureText(text).width + 10;
  g.fillStyle = color; g.fillRect(pane.right + 3, y - 9, width, 18);
  g.fillStyle = ink; g.fillText(text, pane.right + 8, y + .5);
};
