// --- the panel of presets ------------------------------------------------------------------------
const rightPanel = (panel, other) => {
  if (isOpen(other)) toggle(other);
  toggle(panel);
};
const presetOf = (button) => button.dataset.preset ?? "";
const confirming = (button, yes) => button.closest(".confirm").classList.toggle("asking", yes);
function fieldsOf(form) {
  const fields = new FormData(form);
  return { ...Object.fromEntries(fields), questions: fields.getAll("questions") };
}
Object.assign(actions, {
  settings: () => rightPanel("settings", "presets"),
  presets: () => {
    rightPanel("presets", "settings");
    if (!isOpen("presets")) trigger("presets"); // it opens only now
  },
  "presets-again": () => trigger("presets"),
  choose: (button) => {
    trigger("choose", { preset: presetOf(button) });
    toggle("presets");
    box().focus();
  },
  "write-preset": (button) => trigger("write_preset", { preset: presetOf(button) }),
  "save-preset": (button) => {
    const form = button.closest("form");
    trigger("save_preset", { preset: presetOf(form), fields: fieldsOf(form) });
  },
  "share-preset": (button) =>
    trigger("share_preset", { preset: presetOf(button), shared: "shared" in button.dataset }),
  "link-preset": (button) => {
    const words = button.textContent;
    button.dataset.text = `${location.origin}${location.pathname}#preset=${presetOf(button)}`;
    copy(button);
    setTimeout(() => ($("span", button).textContent = words), 1600); // after "Copied"
  },
  "ask-delete": (button) => {
    confirming(button, true);
    $("[data-do=keep-preset]", button.parentElement).focus();
  },
  "keep-preset": (button) => confirming(button, false),
  "ask-reset": (button) => {
    confirming(button, true);
    $("[data-do=keep-settings]").focus();
  },
  "keep-settings": (button) => {
    confirming(button, false);
    $("[data-do=ask-reset]").focus();
  },
  "reset-settings": (button) => {
    trigger("reset_settings");
    actions["keep-settings"](button);
  },
  "delete-preset": (button) => trigger("delete_preset", { preset: presetOf(button) }),
  "import-preset": () => presetChooser.click(),
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches(".write-preset")) return;
  event.preventDefault();
  actions["save-preset"]($("[data-do=save-preset]", event.target));
});
dressers.push((said) => label($("#presets .toggle-button"), said.close));

async function sendPreset(file) {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(route("api/presets/import"), { method: "POST", headers, body: file });
    const said = await saidTo(answer);
    return answer.ok ? { code: "", why: "" } : { code: said.error.code, why: said.error.message };
  } catch {
    return { code: "unreachable", why: "" };
  }
}
const presetChooser = Object.assign(document.createElement("input"), { type: "file", accept: ".json", hidden: true });
presetChooser.id = "import-preset";
document.body.append(presetChooser);
presetChooser.addEventListener("change", async () => {
  const [file] = presetChooser.files;
  presetChooser.value = "";
  trigger("preset_imported", await sendPreset(file));
});
