// What was chosen: the address says it, and the language stays.
(language, campaign, period) => {
  localStorage.setItem("qwen-chat.language", language);
  document.documentElement.lang = language;
  document.cookie = `qwen_chat_language=${language}; path=/; max-age=31536000; samesite=lax`;
  const asked = new URLSearchParams({ campaign: campaign ?? "", period });
  history.replaceState(null, "", `${location.pathname}?${asked}`);
  return [language, campaign, period];
}
