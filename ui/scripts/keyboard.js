// --- the keyboard --------------------------------------------------------------------------------
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
