// A comparison: both answers as they are written, votes by keys, tasks put into the box.
"use strict";
const asking = $("form[data-ask]");
const rounds = $("[data-rounds]");
const put = (part, html) => {
  if (part.dataset.drawn === html) return; // so that what is focused or selected stays
  part.dataset.drawn = html;
  part.innerHTML = html;
};

/** Show a round as it is written. The browser connects anew by itself, until all is written. */
function listen(round) {
  const events = new EventSource(round.dataset.live);
  events.onmessage = ({ data }) => {
    const told = JSON.parse(data);
    for (const side of ["left", "right"]) put($(`[data-side="${side}"]`, round), told[side]);
    if (told.open) return;
    put($("[data-foot]", round), told.foot);
    events.close();
    delete round.dataset.live;
  };
}
all("[data-live]").forEach(listen);

const fragment = (html) => document.createRange().createContextualFragment(html);
function add(told) {
  const round = fragment(told.html).firstElementChild;
  const there = $(`[data-round="${CSS.escape(round.dataset.round)}"]`);
  there ? there.replaceWith(round) : rounds.append(round);
  if (round.dataset.live) listen(round);
  round.scrollIntoView({ block: "start" });
}
function following() {
  const last = $("[data-round]:last-child", rounds)?.dataset.round ?? "";
  const follow = $("[name=follow]", asking);
  follow.closest("label").hidden = !last;
  $("[name=after]", asking).value = follow.checked ? last : "";
}

afterwards.asked = (form, told) => {
  add(told);
  $("[name=question]", form).value = $("[name=task_id]", form).value = "";
  $("[name=request_id]", form).value = told.next_request;
  $("[name=follow]", form).checked = true;
  following();
  showLeft();
};
afterwards.again = (form, told) => {
  form.remove();
  add(told);
  if (asking) following();
};
afterwards.foot = (form, told) => {
  const foot = form.closest("[data-foot]");
  put(foot, told.html);
  put($("[data-tasks]"), told.tasks);
  $("[data-voted]", foot)?.focus();
};
afterwards.tasks = (form, told) => put($("[data-tasks]"), told.html);
afterwards.stopped = () => {}; // the stream says so

document.addEventListener("click", ({ target }) => {
  if (!target.matches("[data-put]") || !asking) return;
  const question = $("[name=question]", asking);
  question.value = target.dataset.put;
  $("[name=task_id]", asking).value = target.dataset.task;
  $("[name=follow]", asking).checked = false; // a task begins anew
  following();
  question.focus();
});

// --- keys ----------------------------------------------------------------------------------------
const VOTES = { 1: "left", 2: "right", 3: "tie", 4: "both-bad", ArrowLeft: "left", ArrowRight: "right", ArrowDown: "tie" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, summary")) return;
  // An earlier vote is no longer changed.
  const form = $(`[data-round]:last-child form[data-vote="${VOTES[event.key]}"]`, rounds);
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
});
// --- what was typed on the chat page comes along ------------------------------------------------
// Its script keeps pairs of conversation and draft under this name; a new chat has no conversation.
const DRAFTS = "qwen-chat.draft";
function draftsOfChats() {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(DRAFTS) ?? "[]"));
  } catch {
    return new Map();
  }
}
function takeDraft() {
  const question = $("[name=question]", asking);
  const drafts = draftsOfChats();
  const draft = drafts.get("");
  if (drafts.delete("")) sessionStorage.setItem(DRAFTS, JSON.stringify([...drafts]));
  if (!draft || question.value) return;
  question.value = draft;
  question.focus();
}
if (asking) {
  takeDraft();
  following();
  $("[name=follow]", asking).addEventListener("change", following);
  $("[name=question]", asking).addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    asking.requestSubmit();
  });
}
