// --- the keyboard --------------------------------------------------------------------------------
const seen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility === "visible";
const typing = () => document.activeElement?.matches("textarea, select, input:not([type=radio], [type=checkbox])");
/** Click the last of these that can be seen; whether there was one. */
function press(selector, from = document) {
  const button = [...from.querySelectorAll(selector)].filter(seen).at(-1);
  button?.click();
  return Boolean(button);
}

function leave() {
  if (document.activeElement === searchField() && searchField().value) clearSearch();
  else if (isOpen("presets")) toggle("presets");
  else if (isOpen("settings")) toggle("settings");
  else if (small() && isOpen("conversations")) toggle("conversations");
  else return isAnswering() && press("#stop");
  return true;
}
function editLast() {
  return document.activeElement === box() && box().value === "" && press("#transcript .user-row [data-do=edit]");
}
function showVersion(side) {
  if (typing() && document.activeElement.value) return false; // there it moves by words
  const rows = [...document.querySelectorAll("#transcript .message-row:has(.versions)")];
  const row = document.activeElement.closest?.(".message-row:has(.versions)") ?? rows.at(-1);
  if (row) press(`.versions button:${side}-of-type:not(:disabled)`, row);
  return Boolean(row); // also at the first one: the browser would go back a page
}
function goToSearch() {
  if (small() && !isOpen("conversations")) toggle("conversations");
  document.body.classList.remove("alone");
  searchField().focus();
  searchField().select();
}
const shortcuts = {
  "Ctrl+Shift+o": () => $("#new-chat").click(),
  "Ctrl+Shift+l": () => actions.temporary(),
  "Ctrl+Shift+s": () => void toggleList(),
  "Ctrl+k": goToSearch,
  "Ctrl+p": () => Boolean(props.value && $("[data-do=earlier]") && open(printView(props.value), "_blank")),
  "?": () => !typing() && $("#help").showModal(),
  Escape: leave,
  ArrowUp: editLast,
  "Alt+ArrowLeft": () => showVersion("first"),
  "Alt+ArrowRight": () => showVersion("last"),
};
function nameOf(event) {
  if (event.key === "?") return "?"; // with Shift on some keyboards, without on others
  const held = [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : ""];
  return [...held, event.key.length === 1 ? event.key.toLowerCase() : event.key].filter(Boolean).join("+");
}
/** What E and Delete do with the entry of the list that has the focus. */
function ofEntry(action) {
  const item = document.activeElement.closest?.("#conversation-list li[data-id]");
  if (!item || !$("[data-do=menu]", item)) return false;
  const { id, archived } = item.dataset;
  trigger(action, action === "archive" ? { id, archived: archived === undefined } : { id });
  return true;
}
Object.assign(shortcuts, { e: () => ofEntry("archive"), Delete: () => ofEntry("delete") });
const ofInputMethod = (event) => event.isComposing || event.keyCode === 229;
document.addEventListener("keydown", (event) => {
  // What is open over the page has its own keys; a word that is being composed, its input method.
  if (event.defaultPrevented || ofInputMethod(event) || $("dialog[open], :popover-open")) return;
  if (shortcuts[nameOf(event)]?.(event) !== false && nameOf(event) in shortcuts) event.preventDefault();
});
// Enter ends a word in an input method; Gradio would send the message.
window.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Enter") return;
    if (ofInputMethod(event)) event.stopPropagation();
    else if (isSending(event)) noteSent();
  },
  true,
);
// Gradio sends at "keypress", which comes between the key and its line.
window.addEventListener(
  "keypress",
  (event) => touches.matches && event.key === "Enter" && event.target === box() && event.stopPropagation(),
  true,
);
// The usual hint names keys that such a keyboard does not have.
dressers.push((said) => {
  if (touches.matches && box() && box().placeholder !== said.messageTouch) box().placeholder = said.messageTouch;
});

// --- up and down in menus, in the list and from the search field ---------------------------------
const STEPS = { ArrowDown: 1, ArrowUp: -1 };
function step(items, event) {
  const by = STEPS[event.key];
  if (!by || !items.length) return;
  event.preventDefault();
  const at = Math.max(items.indexOf(document.activeElement), by < 0 ? 0 : -1);
  items.at((at + by) % items.length).focus();
}
document.addEventListener("keydown", (event) => {
  if (ofInputMethod(event)) return;
  const menu = event.target.closest?.("[role=menu]");
  if (menu) step([...menu.querySelectorAll("[role=menuitem]")].filter(seen), event);
  else if (event.target.closest?.("#search, #conversation-list")) {
    const links = [...document.querySelectorAll("#conversation-list a")];
    if (event.target === searchField() && event.key === "Enter") links[0]?.click();
    else if (event.key === "ArrowUp" && event.target === links[0]) searchField().focus();
    else step(links, event);
  } else if (event.target === renaming() && ["Enter", "Escape"].includes(event.key)) {
    const { id } = event.target.dataset;
    endRename(event.key === "Enter");
    $("a", entry(id))?.focus();
    event.preventDefault();
  }
});

Object.assign(actions, { skip: () => box().focus() });
if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  dressers.push(() => {
    for (const key of document.querySelectorAll("#help kbd")) {
      if (key.textContent === "Ctrl") key.textContent = "⌘";
    }
  });
}

// --- said aloud once, when an answer has ended: read as it grows, it could not be followed -------
const aloud = document.createElement("div");
aloud.className = "hidden-words";
aloud.setAttribute("role", "status");
document.body.append(aloud);
let writing = false;
dressers.push(() => {
  for (const log of document.querySelectorAll("#transcript [role=log]:not([aria-live=off])")) {
    log.setAttribute("aria-live", "off");
  }
  const now = Boolean($("#transcript .meta.live"));
  if (writing && !now) aloud.textContent = [...document.querySelectorAll("#transcript .bot-row")].at(-1)?.innerText ?? "";
  writing = now;
});
