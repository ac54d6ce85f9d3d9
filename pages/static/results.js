// Results: a filter that is an address, reviews by keys.
"use strict";

// --- the filter: an address that can be sent on ----------------------------------------------------
const filter = $("form[data-filter]");
filter?.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation(); // it is not sent as JSON
  const chosen = [...new FormData(filter)].filter(([, value]) => value.trim());
  const query = new URLSearchParams(chosen).toString();
  location.assign(filter.dataset.filter + (query && `?${query}`));
});

// --- keys --------------------------------------------------------------------------------------------
const rows = all(".ratings td:first-child a");
function step(by) {
  const here = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(here + by, 0), rows.length - 1)]?.focus();
}
async function review(form) {
  const next = $("[data-next]");
  await post(form.dataset.post, valuesOf(form));
  next ? location.assign(next.href) : location.reload();
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) return;
  const said = $(`[data-key="${CSS.escape(event.key)}"]`);
  if (said) review(said).catch(() => location.reload());
  if (event.key === "j") $("[data-next]") ? $("[data-next]").click() : step(1);
  if (event.key === "k") $("[data-back]") ? history.back() : step(-1);
});
