// Runs before Gradio's scripts, which keep what they find here.

// The outline of the page (styles/skeleton.css) has the theme that was chosen; the dashboard has none.
{
  const root = document.documentElement;
  const theme = localStorage.getItem("qwen-chat.theme");
  if (theme) root.dataset.theme = theme;
  if (/\/dashboard\/?$/.test(location.pathname)) root.dataset.page = "dashboard";
}

// Gradio measures how long each event takes, for a display that this page hides: with every frame, 60
// times a second, and for ever if the component was taken away meanwhile. Each frame costs a phone the
// work of drawing the page. Its loops are known by what they compute.
{
  const inFrame = window.requestAnimationFrame.bind(window);
  const isTimer = (callback) => /\(performance\.now\(\)-\w+\(\w+\)\)\/1e3/.test(callback);
  window.requestAnimationFrame = (callback) => (isTimer(callback) ? 0 : inFrame(callback));
}

// Svelte copies the state of components value by value, hundreds of them with every update of an
// answer, and tries it with all of them: with texts and numbers, whose copy is the same, and with
// functions, which cannot be copied and for which the browser makes an error each time.
{
  const clone = window.structuredClone.bind(window);
  const refusal = new DOMException("A function cannot be copied.", "DataCloneError");
  const same = new Set(["string", "number", "boolean", "undefined"]);
  window.structuredClone = (value, options) => {
    const kind = typeof value;
    if (same.has(kind) || value === null) return value;
    if (kind === "function") throw refusal;
    return clone(value, options);
  };
}
