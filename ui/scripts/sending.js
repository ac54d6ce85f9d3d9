// --- a question stands in its place as soon as it is sent, until the server draws it --------------
// A copy for the eye: the text itself stays in the box until the server has taken it.
let sending = null; // { at, asked, note, name, row }
const lastAsked = () => [...document.querySelectorAll("#transcript .asked")].at(-1)?.dataset.message;
const noteElement = () => $("#note .refused");
function unsend() {
  sending?.row.remove();
  sending = null;
  mark($("#main"), "sending", false);
}
function part(name, text) {
  return Object.assign(document.createElement("div"), { className: name, textContent: text, dir: "auto" });
}
/** Not where the server is known to refuse it: then its note alone is shown. */
const isTaken = (text) =>
  text.trim() && text.length <= MOST_CHARACTERS && !isAnswering() && !$("#state .dot.loading") && !OF_THE_TEXT.has(refusedAs());
function showSending() {
  const text = box()?.value ?? "";
  if (sending || !scroller() || !isTaken(text)) return;
  const row = Object.assign(document.createElement("div"), { id: "sending" });
  row.append(part("words", text), part("under", words().sending));
  const [name] = (document.body.dataset.request ?? "").split(" ");
  sending = { at: props.value, asked: lastAsked(), note: noteElement(), name, row };
  scroller().append(row);
  mark($("#main"), "sending", true);
}
/** The server has drawn it, or something else, or has said why it does not. */
const isOver = () =>
  lastAsked() !== sending.asked || (noteElement() && noteElement() !== sending.note) || (sending.at && props.value !== sending.at);
const look = () => sending && isOver() && unsend();
dressers.push(look);
watch("value", look);
document.addEventListener("click", ({ target }) => target.closest?.("#send") && showSending(), true);
window.addEventListener("keydown", (event) => isSending(event) && showSending(), true);
// Gradio draws nothing where the same note stands already, or when the server cannot be reached.
const fetchSeen = window.fetch;
window.fetch = async (...request) => {
  const mine = sending?.name && String(request[1]?.body ?? "").includes(sending.name) ? sending : null;
  try {
    return await fetchSeen(...request);
  } finally {
    if (mine) setTimeout(() => sending === mine && unsend(), DRAWN_MS);
  }
};
