// --- a text in the box has a name, however often it is sent: the server answers it once ----------
const DRAFT = "qwen-chat.draft";
const LONGEST_DRAFT = 200_000; // more would be refused, and may not fit the storage
const hex = (byte) => byte.toString(16).padStart(2, "0");
function nameQuestion() {
  // Not randomUUID: without HTTPS there is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  document.body.dataset.request = Array.from(bytes, hex).join("");
}
watch("value", nameQuestion);
document.addEventListener(
  "input",
  (event) => {
    if (!event.target.closest?.("#message")) return;
    nameQuestion();
    const text = event.target.value;
    sessionStorage.setItem(DRAFT, text.length <= LONGEST_DRAFT ? text : "");
  },
  true,
);

// --- a draft outlives a reload, and what is typed while the server answers stays in the box ------
let sent = "";
let restored = false;
const noteSent = () => (sent = box()?.value ?? "");
function keepDraft() {
  if (box()?.value !== "") return;
  const draft = sessionStorage.getItem(DRAFT) ?? "";
  sessionStorage.removeItem(DRAFT);
  if (!restored) draft && fill(draft);
  else if (sent && draft !== sent && draft.startsWith(sent)) fill(draft.slice(sent.length));
  restored = true;
}
dressers.push(keepDraft);
$("#send")?.addEventListener("click", noteSent, true);

actions.example = (button) => fill(button.textContent);
