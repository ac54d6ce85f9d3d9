// --- a question has a name, however often it is sent: the server answers it once -----------------
const DRAFTS = "qwen-chat.draft"; // by conversation; the empty page has one as well
const MOST_DRAFTS = 50;
const hex = (byte) => byte.toString(16).padStart(2, "0");
// Not randomUUID: without HTTPS there is none.
const randomName = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), hex).join("");
function nameQuestion() {
  document.body.dataset.request = [randomName(), ...attached.keys()].join(" ");
}
watch("value", nameQuestion);
document.addEventListener(
  "input",
  (event) => {
    if (!event.target.closest?.("#message")) return;
    nameQuestion();
    storeDraft();
    noticeBox();
  },
  true,
);

// --- each conversation has its draft, which outlives a reload and going elsewhere -----------------
// What is typed while the server answers stays in the box.
const placeOf = (id) => (id.includes("=") ? "" : id); // an address may name a preset instead
let drafted = placeOf(inAddress()); // the conversation whose draft is in the box
const readDrafts = () => {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(DRAFTS) ?? "[]"));
  } catch {
    return new Map();
  }
};
const drafts = readDrafts();
function setDraft(id, text) {
  if ((drafts.get(id) ?? "") === text) return;
  drafts.delete(id);
  if (text && text.length <= MOST_CHARACTERS) drafts.set(id, text); // more is refused
  if (drafts.size > MOST_DRAFTS) drafts.delete(drafts.keys().next().value);
  try {
    sessionStorage.setItem(DRAFTS, JSON.stringify([...drafts]));
  } catch {
    sessionStorage.removeItem(DRAFTS); // no room: they do not outlive a reload
  }
}
const storeDraft = () => setDraft(drafted, box().value);
let sent = { id: "", text: "" };
let restored = false;
const noteSent = () => (sent = { id: drafted, text: box()?.value ?? "" });
/** The text goes into the box, and the focus stays where it is. */
function put(text) {
  if (!box() || box().value === text) return;
  box().value = text;
  box().dispatchEvent(new Event("input", { bubbles: true }));
}
function goToDraft(id) {
  if (id === drafted || !restored) return;
  storeDraft();
  if (sent.id === drafted && sent.text === box().value) sent.left = true;
  drafted = id;
  put(drafts.get(id) ?? "");
}
// Without leaving, the empty page became a conversation: its text goes along.
watch("value", () => {
  if (!restored && !props.value) return; // the page is still being loaded
  if (drafted || !props.value) return goToDraft(props.value);
  const draft = drafts.get("") ?? ""; // what was typed after it was sent is still in it
  setDraft("", "");
  if (!sent.id) sent.id = props.value;
  drafted = props.value;
  setDraft(drafted, draft);
});
window.addEventListener("popstate", () => goToDraft(placeOf(inAddress())));
function keepDraft() {
  if (!box()) return;
  const asked = [...document.querySelectorAll("#transcript .user-row .words")].at(-1)?.textContent;
  // It was accepted after people had gone elsewhere, and stayed as the draft here.
  if (sent.left && sent.id === drafted && props.value === drafted && sent.text === asked) {
    sent.left = false;
    if (box().value === sent.text) put("");
  }
  if (box().value) return storeDraft(); // also what the server has put there
  const draft = drafts.get(drafted) ?? "";
  setDraft(drafted, "");
  const goesOn = draft !== sent.text && draft.startsWith(sent.text);
  if (!restored) draft && fill(draft);
  else if (sent.id !== drafted) put(draft); // the box was emptied for a question of another one
  else if (sent.text && goesOn) fill(draft.slice(sent.text.length));
  restored = true;
}
dressers.push(keepDraft);
document.addEventListener("click", ({ target }) => target.closest?.("#send") && noteSent(), true);

// --- what was refused is said until its cause has gone ---------------------------------------------
const refusedAs = () => $("#note [data-code]")?.dataset.code;
const causeGone = {
  engine_not_ready: () => Boolean($("#state .dot.ready")),
  // It may be written on a branch that is not shown, whose end is not seen here.
  answer_running: () => seenAnswering && !isAnswering(),
};
const OF_THE_TEXT = new Set(["empty_message", "bad_text", "message_too_long", "context_length_exceeded"]);
let solving = null; // the note that is being taken away
let seenAnswering = false; // while the note was shown
function solved() {
  if (solving === $("#note [data-code]")) return;
  solving = $("#note [data-code]");
  trigger("solved");
}
dressers.push(() => {
  seenAnswering = Boolean(refusedAs()) && (seenAnswering || isAnswering());
  if (!refusedAs()) solving = null;
  else if (causeGone[refusedAs()]?.()) solved();
});
document.addEventListener("input", ({ target }) => {
  if (target === box() && OF_THE_TEXT.has(refusedAs())) solved();
});

actions.example = (button) => fill(button.textContent);

// --- the gauge: measured when something has changed and rests, one measure at a time -------------
const REST_MS = 400;
let noticed = "";
let resting = 0;
let measures = 0;
let measuredAt = 0;
let measuredFor = null; // the conversation
/** All that a measure depends on. */
function boxState() {
  const messages = document.querySelectorAll("#transcript [data-message]");
  return JSON.stringify([
    props.value,
    box()?.value,
    $("#files .files")?.dataset.held,
    [...document.querySelectorAll("#settings :is(input, textarea)")].map(({ value }) => value),
    $("#chips .chips")?.dataset.preset,
    $("#state .dot")?.className,
    words().lang,
    [messages.length, messages[messages.length - 1]?.dataset.message],
    Boolean($("#transcript .meta.live")),
  ]);
}
function noticeBox() {
  const now = boxState();
  if (now === noticed) return;
  noticed = now;
  clearTimeout(resting);
  resting = setTimeout(measure, REST_MS);
}
function measure() {
  const answered = $("#gauge .gauge")?.dataset.asked === String(measures);
  if (measures && !answered && Date.now() - measuredAt < PATIENCE_MS) {
    resting = setTimeout(measure, REST_MS);
    // While an answer is written there, a conversation is measured once: when it is opened.
  } else if (!$("#transcript .meta.live") || measuredFor !== props.value) {
    measures += 1;
    measuredAt = Date.now();
    measuredFor = props.value;
    trigger("gauge", { asked: measures, text: box()?.value ?? "", files: [...attached.keys()] });
  }
}
dressers.push(noticeBox);
document.addEventListener("change", noticeBox); // of a setting
