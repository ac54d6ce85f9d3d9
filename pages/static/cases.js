// Regression cases: a file that comes in, a run that goes on, and answers that people judge.
"use strict";

// --- a file --------------------------------------------------------------------------------------
const chosen = $("[data-import]");
async function bringIn() {
  const refused = $("[data-refused]");
  refused.hidden = true;
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(chosen.dataset.import, { method: "POST", headers, body: chosen.files[0] });
    const told = await saidBy(answer);
    if (answer.ok) return location.reload();
    refused.textContent = refusal(answer, told.error ?? {}).said;
  } catch {
    refused.textContent = words["error-other"];
  }
  chosen.value = "";
  refused.hidden = false;
}
chosen?.addEventListener("change", bringIn);

// --- a run that goes on --------------------------------------------------------------------------
const LOOK_MS = 2000;
const run = $("[data-run]");
/** Show what is new, unless somebody is reading with the keyboard. */
async function look() {
  const answer = await fetch(run.dataset.run).catch(() => null);
  if (!answer?.ok) return; // the next time will do
  const { running, done } = await answer.json();
  if (!running || done !== Number(run.dataset.done)) location.reload();
}
if (run) setInterval(look, LOOK_MS);

// --- judging by keys: j and k go from one to the next, p and f say passed and failed ---------------
const judged = all("[data-judge]");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const at = judged.indexOf(event.target.closest("[data-judge]"));
  const step = { j: 1, k: -1 }[event.key];
  if (step) judged[Math.min(Math.max(at + step, 0), judged.length - 1)]?.focus();
  if (at >= 0) $(`form[data-key="${CSS.escape(event.key)}"]`, judged[at])?.requestSubmit();
});
