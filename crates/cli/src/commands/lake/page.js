// Shows the series whose name or state holds every word of the filter.
"use strict";
const input = document.getElementById("filter");
const rows = [...document.querySelectorAll("details")];
function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.dataset.text.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${shown} of ${rows.length} series`;
}
input.addEventListener("input", show);
show();
