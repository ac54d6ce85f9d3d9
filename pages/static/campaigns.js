// Campaigns: cards of a plan that come and go, numbers that stay true, a survey that keeps itself.
"use strict";

// --- the form of a plan --------------------------------------------------------------------------
const plan = $("form[data-plan]");
const two = (number) => String(number).padStart(2, "0");
/** As an input of a local time has it. */
const local = (at) =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;

/** One variant for all, or two; a scale has ends that words have not. */
function arrange() {
  const mode = $("[name=mode]", plan).value;
  all("[data-for]", plan).forEach((hint) => (hint.hidden = hint.dataset.for !== mode));
  all('[data-list="variants"] > [data-item]', plan).forEach((card, index) => {
    card.hidden = mode === "single" && index > 0;
    all("[required]", card).forEach((field) => (field.disabled = card.hidden));
  });
  for (const kind of all("[name=kind]", plan)) {
    $("[data-scale]", kind.closest("[data-item]")).hidden = kind.value !== "scale";
  }
  for (const add of all("[data-add]", plan)) {
    add.hidden = listOf(add).children.length >= Number(add.dataset.most);
  }
}
const templateOf = (button) => button.previousElementSibling;
const listOf = (button) => templateOf(button).previousElementSibling;

function addCard(button) {
  const list = listOf(button);
  list.append(templateOf(button).content.cloneNode(true));
  $("input:not([type=hidden])", list.lastElementChild).focus();
}
function moveCard(button) {
  const card = button.closest("[data-item]");
  const moves = {
    up: () => card.previousElementSibling?.before(card),
    down: () => card.nextElementSibling?.after(card),
    away: () => card.remove(),
  };
  moves[button.dataset.move]();
  button.isConnected ? button.focus() : undefined;
}
/** A preset is copied into the fields below it. */
function fillFrom(select) {
  const filling = select.selectedOptions[0].dataset.fill;
  if (!filling) return;
  const card = select.closest("[data-item]");
  for (const [name, value] of Object.entries(JSON.parse(filling))) {
    $(`[name="${name}"]`, card).value = value ?? "";
  }
}
if (plan) {
  for (const input of all("[data-at]", plan)) input.value = local(new Date(input.dataset.at));
  plan.addEventListener("click", ({ target }) => {
    if (target.matches("[data-add]")) addCard(target);
    if (target.matches("[data-move]")) moveCard(target);
    arrange();
  });
  plan.addEventListener("change", ({ target }) => {
    if (target.matches("[data-fills]")) fillFrom(target);
    arrange();
  });
  arrange();
}

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
