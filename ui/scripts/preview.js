// --- previews: HTML, SVG and diagrams of an answer, in a frame that reaches neither page nor network
const PREVIEWS = { html: "preview", svg: "preview", mermaid: "preview/diagram" };
const codeOf = (block) => $("code", block).textContent;
function kindOf(block) {
  const language = block.dataset.language.toLowerCase();
  return language === "xml" && /^\s*(<\?xml[^>]*>\s*)?<svg[\s>]/.test(codeOf(block)) ? "svg" : language;
}
dressers.push(({ preview }) => {
  for (const block of document.querySelectorAll("#transcript .md .code-block:not(:has(> .preview-code))")) {
    if (!PREVIEWS[kindOf(block)]) continue;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "preview-code", textContent: preview });
    block.append(button);
  }
});
function openPreview(block) {
  const dialog = $("#preview");
  const frame = document.createElement("iframe");
  const kind = kindOf(block);
  const sent = { kind, text: codeOf(block), failed: dialog.dataset.failed };
  frame.sandbox = "allow-scripts";
  frame.title = $("h2", dialog).textContent;
  // The frame has an origin of its own, which no address names: hence "*".
  frame.addEventListener("load", () => frame.contentWindow.postMessage(sent, "*"), { once: true });
  frame.src = route(PREVIEWS[kind]);
  $("form", dialog).before(frame);
  dialog.addEventListener("close", () => frame.remove(), { once: true });
  dialog.showModal();
}
document.addEventListener("click", ({ target }) => {
  if (target.matches?.("#transcript .code-block > .preview-code")) openPreview(target.parentElement);
});
