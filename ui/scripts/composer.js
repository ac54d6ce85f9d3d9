// --- a question has a name, however often it is sent: the server answers it once -----------------
const DRAFT = "qwen-chat.draft";
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

// --- a draft outlives a reload, and what is typed while the server answers stays in the box ------
function storeDraft() {
  const text = box().value;
  if (text === sessionStorage.getItem(DRAFT)) return;
  sessionStorage.setItem(DRAFT, text.length <= MOST_CHARACTERS ? text : ""); // more is refused
}
let sent = "";
let restored = false;
const noteSent = () => (sent = box()?.value ?? "");
function keepDraft() {
  if (!box()) return;
  if (box().value) return storeDraft(); // also what the server has put there
  const draft = sessionStorage.getItem(DRAFT) ?? "";
  sessionStorage.removeItem(DRAFT);
  if (!restored) draft && fill(draft);
  else if (sent && draft !== sent && draft.startsWith(sent)) fill(draft.slice(sent.length));
  restored = true;
}
dressers.push(keepDraft);
document.addEventListener("click", ({ target }) => target.closest?.("#send") && noteSent(), true);

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
