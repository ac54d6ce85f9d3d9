// The form of a campaign's plan: cards that come and go, a draft that saves itself, what is missing.
"use strict";

// --- the form of a plan --------------------------------------------------------------------------
const plan = $("form[data-plan]");
const two = (number) => String(number).padStart(2, "0");
/** As an input of a local time has it. */
const local = (at) =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;

const MOST_OF = { single: 1, split: 2, blind: Infinity };
/** One variant for all, or two; a scale has ends that words have not. */
function arrange() {
  const mode = $("[name=mode]", plan).value;
  all("[data-for]", plan).forEach((hint) => (hint.hidden = hint.dataset.for !== mode));
  all('[data-list="variants"] > [data-item]', plan).forEach((card, index) => {
    card.hidden = index >= MOST_OF[mode];
    all("[required]", card).forEach((field) => (field.disabled = card.hidden));
  });
  for (const kind of all("[name=kind]", plan)) {
    for (const part of all("[data-kinds]", kind.closest("[data-item]"))) {
      part.hidden = !part.dataset.kinds.split(" ").includes(kind.value);
    }
  }
  const isOne = !$("[name=language]", plan).value;
  all("[data-other]", plan).forEach((part) => (part.hidden = isOne));
  for (const add of all("[data-add]", plan)) {
    const list = listOf(add);
    const isFixed = list.dataset.list === "variants" && mode !== "blind";
    add.hidden = isFixed || list.children.length >= Number(add.dataset.most);
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
/** A consent text to begin with, in both languages where the plan has two; nothing is replaced. */
function insertSample(texts) {
  const first = $("[name=language]", plan).value || language;
  const other = Object.keys(texts).find((key) => key !== first);
  for (const [name, key] of [["consent", first], ["other_consent", other]]) {
    const field = $(`[name=${name}]`, plan);
    if (!field.value.trim() && !field.closest("[hidden]")) field.value = texts[key];
  }
  $("[name=consent]", plan).dispatchEvent(new Event("input", { bubbles: true }));
}
if (plan) {
  for (const input of all("[data-at]", plan)) input.value = local(new Date(input.dataset.at));
  plan.addEventListener("click", ({ target }) => {
    if (target.matches("[data-add]")) addCard(target);
    if (target.matches("[data-move]")) moveCard(target);
    if (target.matches("[data-sample]")) insertSample(JSON.parse(target.dataset.sample));
    arrange();
  });
  plan.addEventListener("change", ({ target }) => {
    if (target.matches("[data-fills]")) fillFrom(target);
    arrange();
  });
  arrange();
}

// --- a half-written plan saves itself ------------------------------------------------------------
const PAUSE_MS = 800;
const draftState = plan && $("[data-draft-state]", plan);
let pausing = 0;
let isUnsaved = false;
let saving = null;
/** As it is sent, with the cards of variants that the chosen kind does not use. */
function draftValues() {
  const variants = all('[data-list="variants"] > [data-item]', plan);
  return { ...valuesOf(plan), variants: variants.map(fieldsIn) };
}
/** From now on the same draft is saved, opened, previewed and found again after a reload. */
function keepAt(told) {
  plan.dataset.draft = told.draft;
  plan.dataset.post = told.post;
  history.replaceState(null, "", told.edit);
  const preview = $("[data-preview-page]", plan);
  preview.href = told.edit.replace(/edit$/, "preview");
  preview.hidden = false;
}
async function saveDraft({ leaving = false } = {}) {
  clearTimeout(pausing);
  if (!isUnsaved || (saving && leaving)) return;
  await saving; // one after the other: the first one makes the draft
  if (!isUnsaved) return;
  isUnsaved = false;
  saving = post(plan.dataset.draft, draftValues(), plan, { keepalive: leaving })
    .then(
      (told) => {
        keepAt(told);
        draftState.textContent = draftState.dataset.saved;
      },
      (refused) => {
        isUnsaved = true; // the next pause tries again
        draftState.textContent = refused.said ?? draftState.dataset.unsaved;
      },
    )
    .finally(() => (saving = null));
  await saving;
}
function changed() {
  if (!plan.dataset.draft) return;
  isUnsaved = true;
  draftState.textContent = "";
  clearTimeout(pausing);
  pausing = setTimeout(saveDraft, PAUSE_MS);
}

// --- what is missing is said beside its field ----------------------------------------------------
function missing() {
  const fields = all("input, select, textarea", plan).filter((field) => !field.closest("[hidden], template"));
  return fields.filter((field) => !field.matches(":disabled") && !(field.checkValidity() && (!field.required || field.value.trim())));
}
function nameMissing(fields) {
  forgive(plan);
  for (const field of fields) {
    const said = field.value.trim() ? field.validationMessage : filled(words["refused-missing"], { field: titleOf(field) });
    warn(plan, { field, said });
    field.closest("details")?.setAttribute("open", "");
  }
  fields[0].focus();
}
if (plan) {
  plan.noValidate = true; // the browser would name the first one only
  plan.addEventListener("input", changed);
  plan.addEventListener("refused", changed); // it was not sent, so it is still a draft
  plan.addEventListener("click", ({ target }) => target.matches("[data-add], [data-move]") && changed());
  plan.addEventListener(
    "submit",
    (event) => {
      const fields = missing();
      if (!fields.length && !saving) {
        isUnsaved = false;
        return clearTimeout(pausing);
      }
      event.preventDefault();
      event.stopPropagation(); // it is not sent yet
      if (fields.length) return nameMissing(fields);
      saving.then(() => plan.requestSubmit());
    },
    true,
  );
  window.addEventListener("pagehide", () => saveDraft({ leaving: true }));
}
