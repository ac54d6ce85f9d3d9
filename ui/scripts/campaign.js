// --- the tasks of a campaign ---------------------------------------------------------------------
// Beside the chat, or (on a small screen) a sheet at its foot; folded away they leave a bar.
const NARROW = matchMedia("(max-width: 1100px)");
const tasks = () => $("#tasks .tasks");
let folded = NARROW.matches || localStorage.getItem("qwen-chat.tasks") === "folded";
function fold(yes) {
  folded = yes;
  if (!NARROW.matches) keep("tasks", yes ? "folded" : "open");
  dress();
}
Object.assign(actions, {
  tasks: () => fold(!folded),
  "tick-task": (button) =>
    trigger("tick_task", { task: button.dataset.task, done: button.getAttribute("aria-checked") !== "true" }),
  "put-question": (button) => {
    if (NARROW.matches) fold(true);
    fill(button.dataset.text);
  },
  "leave-tasks": () => location.assign(location.pathname),
});
/** The page that compares finds the text as the draft of a new chat, now or after the consent. */
function goWithText(address) {
  if (box()?.value) setDraft("", box().value);
  location.replace(address);
}
dressers.push(() => {
  const away = $("#tasks [data-go]");
  if (away) return goWithText(away.dataset.go);
  document.body.classList.toggle("has-tasks", Boolean(tasks()));
  document.body.classList.toggle("tasks-folded", folded);
  $("#tasks .title")?.setAttribute("aria-expanded", String(!folded));
});
