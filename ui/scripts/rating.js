// --- what people say of an answer: thumbs under it, a form beside it -----------------------------
// What is typed is kept in this browser until the server has it, whatever closes the form.
const LOST_AFTER_MS = 10_000;
const draftName = (id) => `qwen-chat.rating.${id}`;
function draftOf(id) {
  try {
    return JSON.parse(localStorage.getItem(draftName(id)));
  } catch {
    return null;
  }
}
function keepRatingDraft(form) {
  try {
    localStorage.setItem(draftName(form.dataset.message), JSON.stringify(saidIn(form)));
  } catch {} // full: then it is in the form alone
}
const forgetDraft = (id) => localStorage.removeItem(draftName(id));
function forgetDrafts() {
  for (const name of Object.keys(localStorage)) if (name.startsWith(draftName(""))) localStorage.removeItem(name);
}

const ratingForm = () => $("#panel dialog.rating[open] form.rate");
const answerOf = (button) => button.closest("[data-rating]").dataset.rating;
const thumbsOf = (id) => $(`#transcript .thumbs[data-rating="${CSS.escape(id)}"]`);
const saidIn = (form) => ({
  verdict: form.verdict.value,
  reasons: [...form.querySelectorAll("[name=reason]:checked")].map((box) => box.value),
  comment: form.comment.value,
  correction: form.correction.value,
});
function openRating(message, verdict = "") {
  const key = `rating ${randomName()}`;
  openPanel(key, "rating", { message, key, verdict });
}
function fillFromDraft(form) {
  const draft = draftOf(form.dataset.message);
  if (!draft) return;
  if (!form.verdict.value) form.verdict.value = draft.verdict;
  for (const box of form.querySelectorAll("[name=reason]")) box.checked = draft.reasons.includes(box.value);
  form.comment.value = draft.comment;
  if (form.correction.value !== draft.correction) $("details", form).open = true;
  form.correction.value = draft.correction;
}
let filled = ""; // the key of the form that was filled last
dressers.push(() => {
  const form = ratingForm();
  const key = form?.closest("dialog").dataset.key ?? filled;
  if (key === filled) return;
  filled = key;
  form.reset(); // Gradio changes the form that was there: what was typed into it would stay
  form.classList.remove("sending");
  $(".why", form).textContent = "";
  $("details", form).open = "corrected" in form.dataset;
  fillFromDraft(form);
  sessionStorage.setItem(draftName("open"), form.dataset.message);
});
// A page that was loaded anew, because the server was away, opens the form again.
let openAgain = sessionStorage.getItem(draftName("open"));
dressers.push(() => {
  if (!openAgain || !thumbsOf(openAgain)) return;
  const message = openAgain;
  openAgain = null;
  if (draftOf(message)) openRating(message);
});
document.addEventListener(
  "close",
  ({ target }) => target.matches?.("dialog.rating") && sessionStorage.removeItem(draftName("open")),
  true,
);
for (const event of ["input", "change"]) {
  document.addEventListener(event, ({ target }) => target.form?.matches("form.rate") && keepRatingDraft(target.form));
}

// --- one after the other: each is answered for itself ---------------------------------------------
const toSend = [];
let underWay = null; // { request, message, form, then, timer }
function sendRating(message, conversation, opinion, form = null, then = null) {
  toSend.push({ request: randomName(), message, conversation, opinion, form, then });
  if (!underWay) sendNext();
}
function sendNext() {
  const next = toSend.shift();
  underWay = next ?? null;
  if (!next) return;
  next.form?.classList.add("sending");
  next.timer = setTimeout(() => endRating(next.form?.dataset.lost ?? "lost"), LOST_AFTER_MS);
  const { request, message, conversation, opinion } = next;
  trigger("rate", { request, message, conversation, opinion, quick: !next.form });
}
function endRating(why) {
  const { form, message, then, timer } = underWay;
  clearTimeout(timer);
  form?.classList.remove("sending");
  if (form && why) $(".why", form).textContent = why;
  if (form && !why) {
    forgetDraft(message);
    form.closest("dialog").close();
    const thumbs = thumbsOf(message); // the button that led here was drawn anew
    if (thumbs) ($("[aria-pressed=true]", thumbs) ?? $("button", thumbs)).focus({ preventScroll: true });
  }
  if (!why) then?.();
  sendNext();
}
function showThumbs(id, drawn) {
  const old = thumbsOf(id);
  if (!old) return;
  const held = old.contains(document.activeElement) ? document.activeElement.dataset.do : "";
  const anew = drawn.cloneNode(true);
  old.replaceWith(anew);
  if (held) ($(`[data-do="${held}"]`, anew) ?? $("button", anew)).focus();
}
dressers.push(() => {
  const answered = $("#rated [data-request]");
  if (!underWay || answered?.dataset.request !== underWay.request) return;
  const { why, said } = answered.dataset;
  if (!why) {
    showThumbs(underWay.message, answered.firstElementChild);
    aloud.textContent = said;
  }
  endRating(why);
});

function submitRating(form) {
  const said = saidIn(form);
  const long = said.comment.length > Number(form.dataset.limit);
  $(".why", form).textContent = long ? form.dataset.long : "";
  if (!long) sendRating(form.dataset.message, form.dataset.conversation, said, form);
}
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.rate")) return;
  event.preventDefault();
  if (!event.target.matches(".sending")) submitRating(event.target);
});
window.addEventListener("keydown", (event) => {
  const field = event.target.matches?.("form.rate textarea");
  if (field && event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.target.form.requestSubmit();
});
const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
Object.assign(actions, {
  "rate-up": (button) => {
    if (isPressed(button)) openRating(answerOf(button));
    else sendRating(answerOf(button), props.value, { verdict: "up" });
  },
  // Kept at once, as a thumb up is: whoever closes the form has rated all the same.
  "rate-down": (button) => {
    const message = answerOf(button);
    const ask = () => openRating(message, "down");
    if (isPressed(button)) ask();
    else sendRating(message, props.value, { verdict: "down" }, null, ask);
  },
  "rate-more": (button) => openRating(answerOf(button)),
  "cancel-rating": ({ form }) => {
    forgetDraft(form.dataset.message);
    form.closest("dialog").close();
  },
  "withdraw-rating": ({ form }) => sendRating(form.dataset.message, form.dataset.conversation, {}, form),
});
