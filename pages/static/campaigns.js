// Campaigns: numbers that stay true, a survey that keeps itself.
"use strict";

// --- a campaign as it goes -----------------------------------------------------------------------
const REFRESH_MS = 4000;
const figures = $("[data-refresh]");
async function refresh() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(figures.dataset.refresh).catch(() => null);
  if (!answer?.ok) return; // the next time will do
  for (const [name, value] of Object.entries(await answer.json())) {
    const shown = $(`[data-figure="${name}"]`, figures);
    if (shown) shown.textContent = value;
  }
}
if (figures) setInterval(refresh, REFRESH_MS);

// --- a survey keeps what is answered, also of who leaves in the middle ---------------------------
const REST_MS = 600;
const survey = $("form[data-keeps]");
let resting = 0;
let unsaved = false;
/** Keep all answers but those that are too long, which stay in their boxes. */
async function keep({ leaving = false } = {}) {
  clearTimeout(resting);
  if (!unsaved) return;
  unsaved = false;
  forgive(survey);
  const values = valuesOf(survey);
  const long = tooLongIn(survey);
  long.forEach((field) => delete values.answers[field.name]);
  try {
    // What is sent on leaving is bounded by browsers, in 64 KiB; nothing else is.
    await post(survey.dataset.post, { ...values, send: false }, survey, { keepalive: leaving });
    $("[data-saved]", survey).hidden = long.length > 0;
  } catch (refused) {
    unsaved = true;
    if (refused.said) warn(survey, refused); // else the server does not answer: the next time will do
  }
  for (const field of long.slice(0, 1)) warn(survey, { field, said: wrongWith(field, field.dataset.longest) });
}
if (survey) {
  survey.addEventListener("input", () => {
    unsaved = true;
    $("[data-saved]", survey).hidden = true;
    clearTimeout(resting);
    resting = setTimeout(keep, REST_MS);
  });
  survey.addEventListener("submit", () => {
    unsaved = false;
    clearTimeout(resting);
  }, true);
  window.addEventListener("pagehide", () => keep({ leaving: true }));
}
