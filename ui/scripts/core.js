// The browser's side of the page: runs once, when Gradio has drawn the bridge. The files of this
// folder make one script, this one first; what they share stands here.
// Gradio gives `trigger` (an event for the server), `props.value` (the open conversation), `watch`.
// Buttons drawn by the server say in data-do which of the `actions` a click on them is.
const $ = (selector, from = document) => from.querySelector(selector);
const words = () => $("#tools [data-lang]")?.dataset ?? {};
const keep = (name, value) => localStorage.setItem(`qwen-chat.${name}`, value);
const box = () => $("#message textarea");
const small = () => matchMedia("(max-width: 768px)").matches;
// A keyboard on the screen has no Shift+Enter: there Enter makes a line, and the button sends.
const touches = matchMedia("(hover: none) and (pointer: coarse)");

// --- the address holds the open conversation -----------------------------------------------------
const inAddress = () => location.hash.slice(1);
const address = (id) => (id ? `#${id}` : location.pathname + location.search);
const follow = () => trigger("follow"); // shows what the address says
watch("value", () => {
  if (leadsBack()) return goAgain();
  if (props.value && arrived && !arrived()) return; // clicked before what is on its way
  if (inAddress() !== props.value) history.pushState(null, "", address(props.value));
  if (!props.value) box()?.focus();
});
window.addEventListener("popstate", () => {
  dismiss();
  follow();
});
// A phone that slept has lost its stream; the answer was written all the same.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && props.value) follow();
});

// --- on the way: what was clicked is not here yet, and a question would go where people left -------
const LONGEST_WAY_MS = 10_000; // then it stays in the box
let arrived = null; // tells whether what was clicked is here; null when nothing is awaited
let sendsThere = false;
// The last picture of an answer may come after what was clicked, and would lead back to where people
// were: it is neither where they went nor what the address says.
const LATE_MS = 3000;
let left = { id: "", until: 0, temporary: false };
const leadsBack = () => Date.now() < left.until && props.value === left.id && inAddress() !== left.id;
const goAgain = () => (left.temporary && !inAddress() ? trigger("temporary") : follow());
function leaveFor(isHere, temporary = false, id = "") {
  goToDraft(id);
  left = { id: props.value, until: Date.now() + LATE_MS, temporary };
  arrived = isHere() ? null : isHere;
  sendsThere = false;
  if (arrived) setTimeout(() => arrived === isHere && giveUpOn(), LONGEST_WAY_MS);
}
function giveUpOn() {
  arrived = null;
  goToDraft(props.value);
}
function holdBack(event) {
  if (!arrived) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  sendsThere = true;
}
const isSending = (event) =>
  !touches.matches && event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229 && event.target === box();
window.addEventListener("keydown", (event) => isSending(event) && holdBack(event), true);
window.addEventListener("click", (event) => event.target.closest?.("#send") && holdBack(event), true);

// --- what buttons do -----------------------------------------------------------------------------
const toggle = (panel) => $(`#${panel} .toggle-button`)?.click();
const isOpen = (panel) => $(`#${panel}`)?.classList.contains("open");
const actions = {
  settings: () => toggle("settings"),
  theme: () => {
    keep("theme", document.body.classList.toggle("dark") ? "dark" : "light");
    tint();
  },
};
document.addEventListener("click", (event) => {
  const target = event.target.closest?.("[data-do]");
  // Answers are drawn from what a model wrote: nothing in their text is a button of ours.
  if (!target || target.closest(".md") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  actions[target.dataset.do](target);
});
// Gradio may draw a piece anew while its button is held down: the browser then sends the click to what
// was around it, and the button would have done nothing. So it is looked for again by what it does.
const STAYED_PX = 10; // a pointer that moved farther has left the button
const doing = (button) => JSON.stringify([button.getAttribute("href"), button.closest("[data-id]")?.dataset.id, { ...button.dataset }]);
let pressed = null;
document.addEventListener("pointerdown", ({ target, button, x, y }) => {
  const held = button ? null : target.closest?.("[data-do]");
  pressed = held && { held, does: doing(held), x, y };
});
document.addEventListener("pointerup", ({ x, y }) => {
  if (!pressed || pressed.held.isConnected || Math.hypot(x - pressed.x, y - pressed.y) > STAYED_PX) return;
  [...document.querySelectorAll("[data-do]")].find((button) => doing(button) === pressed.does)?.click();
});
document.addEventListener("change", (event) => {
  if (event.target.closest("#language")) keep("language", event.target.value);
});

function fill(text) {
  box().value = text;
  box().dispatchEvent(new Event("input", { bubbles: true }));
  box().focus();
}

// --- what Gradio draws without our words: `dressers` run after every change of the page ----------
const dressers = [];
dressers.push(() => {
  if (!arrived?.()) return;
  arrived = null;
  if (sendsThere) setTimeout(() => $("#send")?.click(), 100); // its settings are drawn with it
});
const label = (element, text) => {
  if (element && text && element.getAttribute("aria-label") !== text) {
    element.setAttribute("aria-label", text);
    element.title = text;
  }
};
dressers.push((said) => {
  document.documentElement.dataset.drawn ??= "";
  $("#skeleton")?.remove();
  if (document.documentElement.lang !== said.lang) document.documentElement.lang = said.lang;
  label($("#language"), said.language);
  label($("#settings .toggle-button"), said.close);
});
// Gradio says it in English alone, and loads the page anew once the server answers again.
dressers.push((said) => {
  const lost = /^Connection to the server was lost/;
  for (const toast of document.querySelectorAll(".toast-body")) {
    const message = $(".toast-message-text", toast);
    if (!lost.test(message?.textContent.trim() ?? "")) continue;
    message.textContent = said.reconnecting;
    $(".toast-title", toast).textContent = said.disconnected;
    document.body.classList.add("offline");
  }
});
let dressing = 0;
function dress() {
  dressing ||= requestAnimationFrame(() => {
    dressing = 0;
    const said = words();
    if (said.lang) for (const dresser of dressers) dresser(said); // not before it has said its words
  });
}
new MutationObserver(dress).observe(document.body, { childList: true, subtree: true });
watch("value", dress); // it may come last, and nothing be drawn after it
dress();

// --- an event that is too large is refused before Gradio sees it, and Gradio would show nothing ---
const fetchUnwatched = window.fetch;
window.fetch = async (...request) => {
  const answer = await fetchUnwatched(...request);
  if (answer.status === 413 && answer.url.includes("/gradio_api/")) trigger("oversize");
  return answer;
};

// --- what the server says to a file; a proxy in front of it answers in HTML, with its status alone --
async function saidTo(answer) {
  const code = answer.status === 413 ? "too_large_for_proxy" : "unreachable";
  return answer.json().catch(() => ({ error: { code, message: "" } }));
}

// --- an app of its own: the manifest under whatever path, the window in the theme's colour --------
function tint() {
  const colour = getComputedStyle(document.body).getPropertyValue("--bg").trim();
  $("meta[name=theme-color]")?.setAttribute("content", colour);
}
$("link[rel=manifest]")?.setAttribute("href", "manifest.json"); // Gradio asks for it at the root

// A phone's keyboard takes its room from the page, and does not lie over the box.
$("meta[name=viewport]")?.setAttribute("content", "width=device-width, initial-scale=1, interactive-widget=resizes-content");

const theme = localStorage.getItem("qwen-chat.theme");
if (theme) document.body.classList.toggle("dark", theme === "dark");
tint();
let greeted = false; // who comes to ask something finds the box under the hand
dressers.push(() => {
  if (greeted || !box()) return;
  greeted = true;
  if (!inAddress() && !small() && document.activeElement === document.body) box().focus();
});

// --- banners that were closed stay closed in this browser, but for warnings ------------------------
const closedBanners = new Set((localStorage.getItem("qwen-chat.closed") ?? "").split(" ").filter(Boolean));
actions["close-banner"] = (button) => {
  closedBanners.add(button.parentElement.dataset.banner);
  keep("closed", [...closedBanners].join(" "));
  dress();
  box()?.focus();
};
dressers.push(() => {
  for (const banner of document.querySelectorAll("[data-banner]")) banner.hidden = closedBanners.has(banner.dataset.banner);
});
