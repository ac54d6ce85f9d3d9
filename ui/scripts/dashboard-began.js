// The first figures: of what the address says, in the language and theme that were chosen before.
// They are drawn anew each minute while somebody can see them.
() => {
  const kept = (name) => localStorage.getItem(`qwen-chat.${name}`);
  const asked = new URLSearchParams(location.search);
  if (kept("theme")) document.body.classList.toggle("dark", kept("theme") === "dark");
  document.documentElement.dataset.drawn = "";
  document.documentElement.lang = kept("language") ?? document.documentElement.lang;
  setInterval(() => {
    if (document.visibilityState === "visible") document.querySelector("#refresh")?.click();
  }, 60_000);
  return [kept("language"), asked.get("campaign") ?? "", asked.get("period") ?? ""];
}
