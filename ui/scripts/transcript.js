// --- the conversation: one scroller around two lists of messages ---------------------------------
const scroller = () => $("#transcript");
const NEAR = 60; // pixels from the end that still count as the end
let atEnd = true; // whether the reader is there; only then the page follows what is written
let [lastTop, lastHeight] = [0, 0];
const mark = (element, state, holds) => {
  if (element && state in element.dataset !== Boolean(holds)) {
    holds ? (element.dataset[state] = "") : delete element.dataset[state];
  }
};
const noteHeight = (at) => ([lastTop, lastHeight] = [at.scrollTop, at.scrollHeight]);
let anchor = null; // the question that keeps its place while older turns are fetched and drawn
let drawing = 0; // the timer until they are drawn: Gradio mounts the parts of a message one by one
const DRAWN_MS = 1_000;
const distance = (at) => at.scrollHeight - at.scrollTop;
const toEnd = () => scroller()?.scrollTo(0, scroller().scrollHeight);
const endButton = Object.assign(document.createElement("button"), { id: "to-end", type: "button", hidden: true });
endButton.dataset.do = "to-end";
endButton.innerHTML =
  '<svg aria-hidden="true" width="18" height="18" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8"><path d="M12 5v14M6 13l6 6 6-6"/></svg>';

function stay() {
  clearTimeout(drawing);
  [drawing, anchor] = [0, null];
}
// By a question, not by heights: those of turns that are out of sight are guesses of the browser's.
function anchored() {
  const edge = scroller().getBoundingClientRect().top;
  const asked = [...document.querySelectorAll("#transcript .asked")];
  const seen = asked.find((question) => question.getBoundingClientRect().bottom > edge) ?? asked.at(-1);
  return seen && { id: seen.dataset.message, top: seen.getBoundingClientRect().top };
}
function keepPlace() {
  const question = $(`#transcript .asked[data-message="${CSS.escape(anchor.id)}"]`);
  if (question) scroller().scrollTop += question.getBoundingClientRect().top - anchor.top;
}
const showEndButton = (at) => (endButton.hidden = atEnd || distance(at) - at.clientHeight < NEAR);
function scrolled() {
  const at = scroller();
  // Only who goes up leaves the end. What is drawn anew moves the place as well, but it has
  // another height by then.
  if (distance(at) - at.clientHeight < NEAR) atEnd = true;
  else if (at.scrollTop < lastTop && at.scrollHeight === lastHeight) atEnd = false;
  if (drawing && at.scrollHeight === lastHeight && at.scrollTop !== lastTop) stay(); // it is the reader
  noteHeight(at);
  showEndButton(at);
  if (at.scrollTop < 200 && !anchor) $("[data-do=earlier]", at)?.click();
}
document.addEventListener("scroll", ({ target }) => target === scroller() && scrolled(), true);
window.addEventListener("resize", () => atEnd && toEnd());
const follows = () => (atEnd = true);
watch("value", follows);
$("#send")?.addEventListener("click", follows, true);
window.addEventListener("keydown", ({ key, target }) => key === "Enter" && target === box() && follows(), true);
dressers.push((said) => {
  const at = scroller();
  if (!at) return;
  if (!endButton.isConnected) $("#composer")?.append(endButton);
  label(endButton, said.scrollDown);
  if (anchor && !$(`[data-do=earlier]:disabled`, at)) {
    keepPlace();
    drawing ||= setTimeout(stay, DRAWN_MS);
  } else if (atEnd && !anchor) toEnd();
  noteHeight(at);
  showEndButton(at); // what was below may have gone
});
Object.assign(actions, {
  "to-end": () => follows() && toEnd(),
  earlier: (button) => {
    anchor = anchored();
    button.disabled = true; // until it is drawn anew, or taken away
    trigger("earlier");
  },
});

// Svelte writes each message's direction anew at every update (`element.dir = element.dir`), and then
// Chromium computes the style of all that stands in the message once more, however long it is.
const direction = Object.getOwnPropertyDescriptor(HTMLElement.prototype, "dir");
Object.defineProperty(HTMLElement.prototype, "dir", {
  ...direction,
  set(value) {
    if (value === "auto" || value !== direction.get.call(this)) direction.set.call(this, value);
  },
});

// Gradio asks of each answer whether a table editor is in it. With every word Chromium would look anew,
// and style all cells and spans of the answer. No answer has one: the same rules without the question.
let sheets = 0;
dressers.push(() => {
  if (sheets === document.styleSheets.length) return;
  sheets = document.styleSheets.length;
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) {
      if (!rule.selectorText?.includes(".bot")) continue;
      const plain = rule.selectorText.replaceAll(":not(:has(.table-wrap))", ":not(.table-wrap)");
      if (plain !== rule.selectorText) rule.selectorText = plain;
    }
  }
});

// --- copy ----------------------------------------------------------------------------------------
async function write(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard, only the old way.
    const area = document.createElement("textarea");
    area.value = text;
    button.after(area); // beside the button: what is outside of an open dialog cannot be selected
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
}
async function copy(button) {
  await write(button.dataset.text, button);
  const label = $("span", button);
  label.textContent = words().copied;
  setTimeout(() => (label.textContent = words().copy), 1500);
}

// The only button within an answer; not one of the actions, which answers must not reach.
document.addEventListener("click", async ({ target }) => {
  if (!target.matches?.("#transcript .code-block > .copy-code")) return;
  await write($("code", target.parentElement).textContent.replace(/\n$/, ""), target);
  label(target, words().copied);
  setTimeout(() => label(target, words().copy), 1500);
});

// --- versions, retry, continue, delete and undo --------------------------------------------------
const about = (event) => (button) => trigger(event, { message: button.dataset.message });
const fromMenu = (event) => (item) => trigger(event, { message: chosen(item) });
Object.assign(actions, {
  copy,
  retry: about("retry"),
  "go-on": about("go_on"),
  show: (button) => {
    atEnd &&= Boolean(button.closest("#newest .bot-row")); // else the path below may be longer
    trigger("show", { message: button.dataset.message });
  },
  "message-menu": (button) => {
    const menu = $("#message-menu");
    menu.dataset.id = button.dataset.message;
    menu.classList.toggle("last", Boolean(button.closest("#newest")));
    openMenu(menu, button, "");
  },
  "delete-turn": fromMenu("delete_turn"),
  "delete-branch": fromMenu("delete_branch"),
  "undo-turn": fromMenu("undo_turn"),
  undo: () => trigger("undo"),
});

// --- a message is edited in its own place; what is typed outlives every redrawing ----------------
const edits = new Map(); // by message: { text, request, sent, focused, caret }
const holder = (id) => $(`#transcript :is(.asked, .told)[data-message="${CSS.escape(id)}"]`);
const written = (place) => $(".words", place)?.textContent ?? $("[data-do=copy]", place)?.dataset.text ?? "";
function editButton(text, kind, action) {
  const button = Object.assign(document.createElement("button"), { type: kind, textContent: text });
  if (action) button.dataset.do = action;
  return button;
}
function openEditor(id, place, said) {
  const edit = edits.get(id);
  const form = Object.assign(document.createElement("form"), { className: "edit" });
  const field = document.createElement("textarea");
  field.value = edit.text;
  field.dir = "auto";
  field.setAttribute("aria-label", said.edit);
  const save = place.matches(".asked") ? said.saveAndSend : said.save;
  form.append(field, editButton(said.cancel, "button", "cancel-edit"), editButton(save, "submit"));
  place.prepend(form);
  mark(place.closest(".message-row"), "editing", true);
  fit(field);
  if (edit.focused) {
    field.focus({ preventScroll: true });
    field.setSelectionRange(...edit.caret);
  }
}
function closeEditor(form) {
  const row = form.closest(".message-row");
  edits.delete(editOf(form));
  form.remove();
  mark(row, "editing", false);
  $("[data-do=edit]", row)?.focus();
}
const editOf = (form) => form.closest("[data-message]").dataset.message;
function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
function submitEdit(form) {
  const [id, edit] = [editOf(form), edits.get(editOf(form))];
  if (edit.sent) return;
  edit.sent = true;
  if (form.closest(".asked")) follows();
  trigger("edit", { message: id, text: edit.text, request: edit.request });
}
Object.assign(actions, {
  edit: (button) => {
    const id = button.dataset.message;
    const text = written(holder(id));
    edits.set(id, { text, request: randomName(), focused: true, caret: [text.length, text.length] });
    atEnd = false; // the field may be higher than the message was
    openEditor(id, holder(id), words());
  },
  "cancel-edit": (button) => closeEditor(button.form),
});
document.addEventListener("input", ({ target }) => {
  if (!target.closest?.("form.edit")) return;
  const edit = edits.get(editOf(target.form));
  Object.assign(edit, { text: target.value, request: randomName(), sent: false });
  fit(target);
});
document.addEventListener("selectionchange", () => {
  for (const edit of edits.values()) edit.focused = false;
  const field = document.activeElement;
  if (!field?.matches("form.edit textarea")) return;
  Object.assign(edits.get(editOf(field.form)) ?? {}, { focused: true, caret: [field.selectionStart, field.selectionEnd] });
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.edit")) return;
  event.preventDefault();
  submitEdit(event.target);
});
window.addEventListener(
  "keydown",
  (event) => {
    if (!event.target.matches?.("form.edit textarea") || ofInputMethod(event)) return;
    const { form } = event.target;
    if (event.key === "Escape") closeEditor(form);
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submitEdit(form);
    else return;
    event.preventDefault();
  },
  true,
);
dressers.push((said) => {
  for (const [id, edit] of edits) {
    const place = holder(id);
    if (!place && edit.sent) edits.delete(id); // it was taken: another version stands there now
    else if (place && !$("form.edit", place)) openEditor(id, place, said);
    if (edit.sent && $("#note .refused")) edit.sent = false;
  }
  for (const row of document.querySelectorAll("#transcript [data-editing]")) mark(row, "editing", $("form.edit", row));
});

// --- another tab has changed what is shown here: not drawn under the hands of who edits ---------
let calls = "0";
dressers.push(() => {
  const called = $("#behind [data-calls]")?.dataset.calls ?? calls;
  if (called === calls) return;
  calls = called;
  if (!$("#transcript form.edit")) trigger("catch_up");
});

// --- the panel of details, and of a file that was sent -------------------------------------------
let wanted = "";
const panel = () => $("#panel dialog");
function showPanel() {
  const time = $("time", panel());
  if (time) time.textContent = new Date(time.dateTime).toLocaleString(words().lang);
  panel().showModal();
  wanted = "";
}
function openPanel(key, event, data) {
  wanted = key;
  if (panel()?.dataset.key === key) showPanel();
  else trigger(event, data);
}
Object.assign(actions, {
  details: ({ dataset: { message } }) => openPanel(`answer ${message}`, "details", { message }),
  file: ({ dataset: { message, place } }) => openPanel(`file ${message} ${place}`, "file", { message, place }),
  prompt: ({ dataset: { message } }) => {
    wanted = `answer ${message}`;
    trigger("prompt", { message });
  },
});
document.addEventListener("click", ({ target }) => target === panel() && target.close()); // beside it
dressers.push(() => wanted && panel()?.dataset.key === wanted && !panel().open && showPanel());

// --- what Gradio draws without our words ---------------------------------------------------------
// Send or Stop, by what is drawn: updates of two events may reach a button in another order.
const isAnswering = () => "answering" in ($("#composer")?.dataset ?? {});
dressers.push((said) => {
  const live = $("#newest .meta.live");
  mark($("#newest"), "live", live);
  mark($("#composer"), "answering", live && !$("#note [data-unread]"));
  for (const log of document.querySelectorAll("#transcript [role=log]")) label(log, said.transcript);
  // Gradio calls each message by its whole text; read out as it grows, that is said twice.
  for (const message of document.querySelectorAll("#transcript [data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
});
