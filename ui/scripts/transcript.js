// --- the conversation ----------------------------------------------------------------------------
const toEnd = () => $("#transcript [role=log]")?.scrollTo(0, Number.MAX_SAFE_INTEGER);
watch("value", () => requestAnimationFrame(() => setTimeout(toEnd, 60)));

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

Object.assign(actions, {
  copy,
  retry: (button) => trigger("retry", { message: button.dataset.message }),
});

dressers.push((said) => {
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
});
