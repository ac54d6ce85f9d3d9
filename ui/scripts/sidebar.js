// --- the list of conversations -------------------------------------------------------------------
function openConversation(link) {
  history.pushState(null, "", link.getAttribute("href"));
  follow();
  if (small()) toggle("conversations");
}

const asking = (button, yes) => button.closest(".clear").classList.toggle("asking", yes);
Object.assign(actions, {
  open: openConversation,
  drawer: () => toggle("conversations"),
  more: () => trigger("more"),
  ask: (button) => {
    asking(button, true);
    $("[data-do=keep]", button.closest(".clear")).focus();
  },
  keep: (button) => asking(button, false),
  clear: () => trigger("clear"),
});
$("#new-chat")?.addEventListener("click", () => small() && isOpen("conversations") && toggle("conversations"));
dressers.push((said) => label($("#conversations .toggle-button"), said.conversations));
