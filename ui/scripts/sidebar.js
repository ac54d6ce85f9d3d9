// --- the list of conversations -------------------------------------------------------------------
const entry = (id) => $(`#conversation-list li[data-id="${CSS.escape(id)}"]`);
const putAwayDrawer = () => small() && isOpen("conversations") && toggle("conversations");
// On a wide screen the list has no drawer; it is there, or the conversation has all the room.
const toggleList = () => (small() ? toggle("conversations") : document.body.classList.toggle("alone"));

const isTemporary = () => Boolean($(".bar > .temporary"));
let sought = ""; // the message that a search has found, until it is on the page
function openFrom(link, event, more) {
  history.pushState(null, "", link.getAttribute("href"));
  const id = inAddress();
  leaveFor(() => props.value === id, false, id);
  trigger(event, more && { id, ...more });
  dismiss();
  putAwayDrawer();
}
// What was refused is said until people turn to something else.
const dismiss = () => $("#done .refused") && trigger("dismiss");
Object.assign(actions, {
  open: (link) => openFrom(link, "follow"),
  found: (link) => openFrom(link, "found", { message: (sought = link.dataset.message ?? "") }),
  drawer: toggleList,
  more: () => trigger("more"),
  temporary: () => {
    leaveFor(() => !props.value && isTemporary(), true);
    trigger("temporary");
    dismiss();
    putAwayDrawer();
  },
});
document.addEventListener("click", ({ target }) => {
  if (!target.closest?.("#new-chat")) return;
  leaveFor(() => !props.value && !isTemporary());
  dismiss();
  putAwayDrawer();
});

dressers.push((said) => {
  label($("#conversations .toggle-button"), said.conversations);
  const marked = $("#conversation-list [aria-current]");
  const open = props.value && $(`#conversation-list a[href="#${CSS.escape(props.value)}"]`);
  if (marked && marked !== open) marked.removeAttribute("aria-current");
  if (open && marked !== open) open.setAttribute("aria-current", "page");
});
dressers.push(() => {
  const there = sought && $(`#transcript [data-message="${CSS.escape(sought)}"]`)?.closest(".message-row");
  if (!there) return;
  sought = "";
  atEnd = false; // where a conversation that was opened is shown first
  there.scrollIntoView({ block: "center" });
  there.classList.add("sought");
  setTimeout(() => there.classList.remove("sought"), 2000);
});

// --- search --------------------------------------------------------------------------------------
const searchField = () => $("#search input");
let searching = 0;
let searched = "";
function search(wait_ms) {
  clearTimeout(searching);
  searching = setTimeout(() => {
    if (searched === searchField().value.trim()) return;
    searched = searchField().value.trim();
    trigger("search", { words: searched });
  }, wait_ms);
}
const typedSearch = (event) => {
  if (event.target === searchField() && !event.isComposing) search(250);
};
document.addEventListener("input", typedSearch);
document.addEventListener("compositionend", typedSearch);
function clearSearch() {
  searchField().value = "";
  search(0);
}
dressers.push(() => {
  // The field is drawn anew with the language; what was looked for stays.
  if (searchField() && !searchField().dataset.drawn) {
    searchField().dataset.drawn = "yes";
    searchField().value = searched;
  }
});

// --- the focus outlives a list that is drawn anew ------------------------------------------------
let focused = null; // what had it in the list: conversation and kind
const inList = (element) => element.closest?.("#conversation-list li");
document.addEventListener("focusin", ({ target }) => {
  focused = inList(target) ? { id: inList(target).dataset.id, kind: target.localName } : null;
});
document.addEventListener("pointerdown", ({ target }) => inList(target) || (focused = null));
dressers.push(() => {
  if (document.activeElement !== document.body || !focused) return;
  const link = entry(focused.id)?.firstElementChild;
  (focused.kind === "a" ? link : link?.nextElementSibling)?.focus({ preventScroll: true });
});

// --- what was just done: its ten seconds begin anew with each thing, and undo is under the hand --
let doneLast = "";
dressers.push(() => {
  const note = $("#done p");
  const done = note ? note.textContent + ($("button", note)?.dataset.id ?? "") : "";
  if (done === doneLast) return;
  doneLast = done;
  note?.getAnimations().forEach((animation) => (animation.currentTime = 0));
  const here = document.activeElement;
  // The box has it when the open conversation is gone.
  if ([document.body, box()].includes(here) || inList(here)) $("#done :is([data-do=restore], [data-do=unarchive])")?.focus();
});

// --- menus ---------------------------------------------------------------------------------------
const route = (path) => `${location.pathname.replace(/\/$/, "")}/${path}`;
function openMenu(menu, button, exported) {
  for (const link of menu.querySelectorAll("[data-format]")) {
    link.href = route(`${exported}?format=${link.dataset.format}&lang=${words().lang}`);
  }
  menu.showPopover();
  const at = button.getBoundingClientRect();
  const below = at.bottom + 4;
  const fits = below + menu.offsetHeight < innerHeight;
  const rightmost = (fits ? innerWidth - 8 : at.right) - menu.offsetWidth; // up: within the panel
  menu.style.left = `${Math.max(8, Math.min(at.left, rightmost))}px`;
  menu.style.top = `${fits ? below : Math.max(8, at.top - 4 - menu.offsetHeight)}px`;
  $("[role=menuitem]", menu).focus();
}
function chosen(item) {
  const menu = item.closest("[popover]");
  menu.hidePopover();
  return menu.dataset.id;
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-format], [data-print]");
  if (link) setTimeout(() => chosen(link)); // after the browser has followed it
});
/** The whole conversation as a page, also the turns that are not drawn here. */
const printView = (id) => route(`api/conversations/${id}/print?lang=${words().lang}`);
/** Ask, then destroy this conversation of the trash, or all of them. */
function confirmDestroy(id) {
  const dialog = $("#confirm");
  const words = $("p", dialog);
  words.textContent = id ? words.dataset.one : words.dataset.all;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => dialog.returnValue === "yes" && trigger("destroy", { id }), { once: true });
  dialog.showModal();
}
Object.assign(actions, {
  menu: (button) => {
    const menu = $("#entry-menu");
    const { id, pinned, archived } = button.closest("li").dataset;
    menu.dataset.id = id;
    menu.classList.toggle("pinned", pinned !== undefined);
    menu.classList.toggle("archived", archived !== undefined);
    $("[data-print]", menu).href = printView(id);
    const share = $("[data-share]", menu);
    if (share) share.href = route(`shares?conversation=${id}`);
    openMenu(menu, button, `api/conversations/${id}/export`);
  },
  account: (button) => {
    openMenu($("#account-menu"), button, "api/export");
    showLeft();
  },
  "trash-menu": (link) => {
    const menu = $("#trash-menu");
    menu.dataset.id = link.closest("li").dataset.id;
    openMenu(menu, link, "");
  },
  folder: (item) => {
    if (item.closest("[popover]")) chosen(item);
    searched = "";
    trigger("folder", { folder: item.dataset.folder });
  },
  archive: (item) => trigger("archive", { id: chosen(item), archived: true }),
  unarchive: (item) => trigger("archive", { id: item.dataset.id ?? chosen(item), archived: false }),
  "bring-back": (item) => trigger("restore", { id: chosen(item), opens: false }),
  destroy: (item) => confirmDestroy(chosen(item)),
  "empty-trash": () => confirmDestroy(""),
  pin: (item) => trigger("pin", { id: chosen(item), pinned: true }),
  unpin: (item) => trigger("pin", { id: chosen(item), pinned: false }),
  delete: (item) => trigger("delete", { id: chosen(item) }),
  restore: ({ dataset }) => trigger("restore", { id: dataset.id, opens: "opens" in dataset }),
  help: (item) => {
    chosen(item);
    $("#help").showModal();
  },
});

// --- rename, in the entry's own place but apart from the list, which may be drawn anew -----------
const renaming = () => $("#rename:popover-open");
function rename(id) {
  const [link, field] = [$("a", entry(id)), $("#rename")];
  Object.assign(field.dataset, { id, seen: link.title });
  field.value = link.title;
  const { left, top, height } = link.getBoundingClientRect();
  const width = entry(id).getBoundingClientRect().width - 8;
  Object.assign(field.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  field.showPopover();
  field.focus();
  field.select();
}
function endRename(keeps) {
  const field = renaming();
  if (!field) return;
  const [{ id, seen }, title] = [field.dataset, field.value.trim()];
  field.hidePopover();
  if (keeps && title && title !== seen) trigger("rename", { id, seen, title });
}
document.addEventListener("focusout", ({ target }) => target === renaming() && endRename(true));
Object.assign(actions, {
  rename: (item) => rename(chosen(item)),
  "rename-again": ({ dataset }) => trigger("rename", { ...dataset }),
});

// --- import --------------------------------------------------------------------------------------
async function sendFile(file) {
  if (file.size > Number($("#import").dataset.largest)) {
    return { code: /\.zip$/i.test(file.name) ? "zip_too_large" : "too_large" };
  }
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(route("api/import"), { method: "POST", headers, body: file });
    const said = await saidTo(answer);
    if (answer.ok) {
      const { first_id: first, imported: count, left_out, not_read, not_read_count } = said;
      return { first, count, left_out, not_read, not_read_count };
    }
    const tooLarge = answer.status === 413 && said.error.code !== "too_large_for_proxy";
    return { code: tooLarge ? "too_large" : said.error.code, why: said.error.message };
  } catch {
    return { code: "unreachable" };
  }
}
document.addEventListener("change", async ({ target }) => {
  if (target.id !== "import" || !target.files.length) return;
  const [file] = target.files;
  target.value = ""; // so that the same file can be chosen again
  const nothing = { code: "", why: "", first: "", count: 0, left_out: {}, not_read: [], not_read_count: 0 };
  trigger("imported", { ...nothing, ...(await sendFile(file)) });
});
actions.dismiss = () => trigger("dismiss");
actions.import = (item) => {
  chosen(item);
  $("#import").click();
};
