// Axes: round steps, labels, and how figures read.
const grouped = (value, decimals) => value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "−");
const percent = (value, decimals = 2) => (value * 100).toFixed(decimals).replace("-", "−") + "%";
const short = (value) => {
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) if (Math.abs(value) >= size) return (value / size).toPrecision(3) + letter;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
};

const niceSteps = (low, high, wanted) => {
  const rough = (high - low) / Math.max(1, wanted) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const values = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) values.push(Math.abs(v) < step / 1e6 ? 0 : v);
  const decimals = Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0)));
  return { values, decimals };
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n) => String(n).padStart(2, "0");
const date = (seconds) => new Date((DATA.origin + seconds) * 1000);
const stamp = (seconds) => {
  const d = date(seconds), s = d.getUTCSeconds();
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${s ? ":" + two(s) : ""}`;
};

// Times at which the axis has a tick: clock steps up to days, then the first of months.
const timeTicks = (from, to, wanted) => {
  const steps = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400];
  const rough = (to - from) / wanted, step = steps.find((s) => s >= rough);
  const ticks = [];
  if (step) {
    for (let t = Math.ceil((DATA.origin + from) / step) * step - DATA.origin; t <= to; t += step) {
      const d = date(t), midnight = d.getUTCHours() + d.getUTCMinutes() + d.getUTCSeconds() === 0;
      const day = `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
      ticks.push({ t, text: midnight ? day : two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + (step < 60 ? ":" + two(d.getUTCSeconds()) : ""), strong: midnight && step < 86400 });
    }
    return ticks;
  }
  const months = [1, 2, 3, 6, 12, 24, 60].find((m) => m * 2629800 >= rough) || 120;
  const start = date(from);
  for (let i = 0; i < 400; i++) {
    const month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months + i * months;
    const t = Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000 - DATA.origin;
    if (t > to) break;
    if (t >= from) ticks.push({ t, text: month % 12 === 0 ? String(month / 12) : MONTHS[month % 12], strong: month % 12 === 0 });
  }
  return ticks;
};
