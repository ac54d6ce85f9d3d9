// Results: a filter that is an address, files that are made on demand, reviews by keys.
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

// --- taking along ------------------------------------------------------------------------------------
const along = $("form[data-export]");
const names = () => $("[name=names]", along).value;
function addressOf(path) {
  const query = new URLSearchParams(along.dataset.query);
  query.set("format", $("[name=format]:checked", along).value);
  if ($("[name=redact]", along).checked) query.set("redact", "true");
  return `${path}?${query}`;
}

/** What a download would hold, and what would be masked in it. */
async function preview() {
  const said = $("[role=status]", along);
  said.hidden = false;
  said.textContent = said.dataset.busy;
  const told = await post(addressOf(along.dataset.preview), { names: names() });
  const masked = Object.entries(told.masked).map(([kind, count]) => `[${kind}] ${count}`);
  const lines = filled(said.dataset.told, told);
  said.textContent = lines + (masked.length ? ` ${filled(said.dataset.masked, { masked: masked.join(", ") })}` : "");
}

/** An address; but names go in a body, where no log keeps them. */
async function download() {
  const link = document.createElement("a");
  link.href = addressOf(along.dataset.export);
  link.download = "";
  if (names().trim()) {
    const answer = await fetch(link.href, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ names: names() }),
    });
    if (!answer.ok) throw refusal(answer, (await answer.json()).error ?? {});
    link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
    link.href = URL.createObjectURL(await answer.blob());
  }
  link.click();
}

async function attempt(deed) {
  const error = $(".error", along);
  const buttons = all("button", along);
  error.hidden = true;
  buttons.forEach((button) => (button.disabled = true));
  try {
    await deed();
  } catch (refused) {
    error.textContent = refused.said ?? words["error-other"];
    error.hidden = false;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}
along?.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  attempt(download);
});
if (along) $("[data-count]", along).addEventListener("click", () => attempt(preview));

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
