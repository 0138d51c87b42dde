"use strict";
// Unpacks what the page carries: variable-length integers in base64, column after column.
// One set for each market; all share one axis of time. `take` puts another one on the charts.
const ALL = JSON.parse(document.getElementById("data").textContent);
let DATA, LEVELS, FILLS;

const reader = (text) => {
  const bytes = atob(text);
  let at = 0;
  return () => {
    let value = 0, weight = 1, byte;
    do { byte = bytes.charCodeAt(at++); value += (byte & 127) * weight; weight *= 128; } while (byte & 128);
    return value % 2 ? -(value + 1) / 2 : value / 2;
  };
};

// The order of the columns is that of the program that packs them.
const unpackLevel = (packed) => {
  const n = packed.count, next = reader(packed.data);
  const column = () => new Float64Array(n);
  const sums = (unit) => { const c = column(); let v = 0; for (let i = 0; i < n; i++) { v += next(); c[i] = v * unit; } return c; };
  const level = { name: packed.name, length: packed.length, count: n, windows: packed.windows, time: sums(1), close: sums(DATA.tick) };
  for (const name of ["open", "high", "low", "holdMin", "holdMax", "volume", "equityMin", "equityMax", "hold"]) level[name] = column();
  const perUnit = DATA.first_open ? DATA.initial / DATA.first_open : 0;
  for (let i = 0; i < n; i++) {
    const close = level.close[i], open = close + next() * DATA.tick;
    level.open[i] = open;
    level.high[i] = Math.max(open, close) + next() * DATA.tick;
    level.low[i] = Math.min(open, close) - next() * DATA.tick;
    level.holdMin[i] = (close - next() * DATA.tick) * perUnit;
    level.holdMax[i] = (close + next() * DATA.tick) * perUnit;
    level.hold[i] = close * perUnit;
    level.volume[i] = next() * packed.volume_unit;
  }
  level.equity = sums(DATA.unit);
  for (let i = 0; i < n; i++) {
    level.equityMin[i] = level.equity[i] - next() * DATA.unit;
    level.equityMax[i] = level.equity[i] + next() * DATA.unit;
  }
  if (DATA.holds) {
    level.hold = sums(DATA.unit);
    for (let i = 0; i < n; i++) {
      level.holdMin[i] = level.hold[i] - next() * DATA.unit;
      level.holdMax[i] = level.hold[i] + next() * DATA.unit;
    }
  }
  level.drawdown = sums(-1e-4);
  level.holdDrawdown = sums(-1e-4);
  return level;
};

// Levels are unpacked when they are first drawn: the page opens before the finest is needed.
const unpackLevels = () => DATA.levels.map((packed) => {
  let level = null;
  return { name: packed.name, length: packed.length, count: packed.count, windows: packed.windows, get: () => level ||= unpackLevel(packed) };
});

const unpackFills = () => {
  const n = DATA.fills.count, next = reader(DATA.fills.data);
  const fills = new Array(n);
  let time = 0, ticks = 0;
  for (let i = 0; i < n; i++) {
    time += next(); ticks += next();
    const quantity = next() * DATA.step, kind = next();
    fills[i] = { time, price: ticks * DATA.tick, quantity, buy: kind < 2, maker: kind % 2 === 1 };
  }
  return fills;
};

const take = (market) => { DATA = ALL[market]; LEVELS = unpackLevels(); FILLS = unpackFills(); };
take(document.getElementById("market")?.value || 0);

// First index whose time is not before the given one.
const firstAt = (times, wanted, of = (t) => t) => {
  let low = 0, high = times.length;
  while (low < high) { const mid = (low + high) >> 1; if (of(times[mid]) < wanted) low = mid + 1; else high = mid; }
  return low;
};
