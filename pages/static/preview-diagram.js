// Draws the diagram that the page posts. "strict": labels are text, links and clicks do nothing.
mermaid.initialize({ startOnLoad: false, securityLevel: "strict", suppressErrorRendering: true });
addEventListener(
  "message",
  async ({ source, data }) => {
    if (source !== parent) return;
    try {
      const { svg } = await mermaid.render("diagram", data.text);
      document.body.innerHTML = svg;
    } catch (error) {
      document.body.textContent = `${data.failed}\n\n${error.message}`;
    }
  },
  { once: true },
);
