// The browser's side of the page: runs once, when Gradio has drawn the bridge.
// Gives: `trigger` (an event for the server), `props.value` (the open conversation), `watch`.
// Buttons drawn by the server say in data-do what a click on them means.
const $ = (selector, from = document) => from.querySelector(selector);
const words = () => $("#tools [data-lang]")?.dataset ?? {};
const keep = (name, value) => localStorage.setItem(`qwen-chat.${name}`, value);
const box = () => $("#message textarea");
const DRAFT = "qwen-chat.draft";
const LONGEST_DRAFT = 200_000; // more would be refused, and may not fit the storage
const small = () => matchMedia("(max-width: 768px)").matches;

// --- a text in the box has a name, however often it is sent: the server answers it once ----------
const hex = (byte) => byte.toString(16).padStart(2, "0");
function rename() {
  // Not randomUUID: without HTTPS there is none.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  document.body.dataset.request = Array.from(bytes, hex).join("");
}
document.addEventListener(
  "input",
  (event) => {
    if (!event.target.closest?.("#message")) return;
    rename();
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
  // Not before the server has said its words: until then Gradio still empties the box.
  if (!words().lang || box()?.value !== "") return;
  const draft = sessionStorage.getItem(DRAFT) ?? "";
  sessionStorage.removeItem(DRAFT);
  if (!restored) draft && fill(draft);
  else if (sent && draft !== sent && draft.startsWith(sent)) fill(draft.slice(sent.length));
  restored = true;
}

// --- the address holds the open conversation -----------------------------------------------------
const inAddress = () => location.hash.slice(1);
const address = (id) => (id ? `#${id}` : location.pathname + location.search);
const follow = () => trigger("follow", { id: inAddress() });
watch("value", () => {
  rename();
  if (inAddress() !== props.value) history.pushState(null, "", address(props.value));
  requestAnimationFrame(() => setTimeout(toEnd, 60));
  if (!props.value) box()?.focus();
});
window.addEventListener("popstate", follow);
// A phone that slept has lost its stream; the answer was written all the same.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && props.value) follow();
});

// --- what buttons do -----------------------------------------------------------------------------
const toggle = (panel) => $(`#${panel} .toggle-button`)?.click();
const isOpen = (panel) => $(`#${panel}`)?.classList.contains("open");
const toEnd = () => $("#transcript [role=log]")?.scrollTo(0, Number.MAX_SAFE_INTEGER);

async function copy(button) {
  const text = button.dataset.text;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard, only the old way.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const label = $("span", button);
  label.textContent = words().copied;
  setTimeout(() => (label.textContent = words().copy), 1500);
}

function fill(text) {
  box().value = text;
  box().dispatchEvent(new Event("input", { bubbles: true }));
  box().focus();
}

function openConversation(link) {
  history.pushState(null, "", link.getAttribute("href"));
  follow();
  if (small()) toggle("conversations");
}

const asking = (button, yes) => button.closest(".clear").classList.toggle("asking", yes);
const actions = {
  open: openConversation,
  copy,
  example: (button) => fill(button.textContent),
  retry: (button) => trigger("retry", { message: button.dataset.message }),
  drawer: () => toggle("conversations"),
  settings: () => toggle("settings"),
  theme: () => keep("theme", document.body.classList.toggle("dark") ? "dark" : "light"),
  ask: (button) => {
    asking(button, true);
    $("[data-do=keep]", button.closest(".clear")).focus();
  },
  keep: (button) => asking(button, false),
  clear: () => trigger("clear"),
  more: () => trigger("more"),
};
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-do]");
  // Answers are drawn from what a model wrote: nothing in their text is a button of ours.
  if (!target || target.closest(".md") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  actions[target.dataset.do](target);
});
document.addEventListener("change", (event) => {
  if (event.target.closest("#language")) keep("language", event.target.value);
});
$("#send")?.addEventListener("click", noteSent, true);
$("#new-chat")?.addEventListener("click", () => small() && isOpen("conversations") && toggle("conversations"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") ["settings", "conversations"].filter(isOpen).forEach(toggle);
});
// Enter ends a word in an input method; Gradio would send the message.
window.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Enter") return;
    if (event.isComposing || event.keyCode === 229) event.stopPropagation();
    else if (event.target === box()) noteSent();
  },
  true,
);

// --- what Gradio draws without our words ---------------------------------------------------------
const label = (element, text) => {
  if (element && text && element.getAttribute("aria-label") !== text) {
    element.setAttribute("aria-label", text);
    element.title = text;
  }
};
function dress() {
  const said = words();
  if (!said.lang) return;
  if (document.documentElement.lang !== said.lang) document.documentElement.lang = said.lang;
  label($("#language"), said.language);
  label($("#conversations .toggle-button"), said.conversations);
  label($("#settings .toggle-button"), said.close);
  label($("#transcript [role=log]"), said.transcript);
  label($("#transcript .scroll-down-button-container button"), said.scrollDown);
  // Gradio calls each message by its whole text; read out as it grows, that is said twice.
  for (const message of document.querySelectorAll("#transcript [data-testid][aria-label]")) {
    message.removeAttribute("aria-label");
  }
  for (const block of document.querySelectorAll("#transcript .code_wrap")) {
    const language = /language-(\S+)/.exec($("code", block)?.className ?? "")?.[1] ?? "text";
    if (block.dataset.language !== language) block.dataset.language = language;
    label($(".copy_code_button", block), said.copy);
  }
}
let dressing = 0;
new MutationObserver(() => {
  dressing ||= requestAnimationFrame(() => {
    dressing = 0;
    dress();
    keepDraft();
  });
}).observe(document.body, { childList: true, subtree: true });

const theme = localStorage.getItem("qwen-chat.theme");
if (theme) document.body.classList.toggle("dark", theme === "dark");
if (!inAddress() && !small()) box()?.focus();
dress();
