// The console's own script: the stream that says "changed", keys, the theme, local times, the forms' fields.
// Pages work without it; with it they are alive.

const page = document.documentElement;

// ── the stream ──────────────────────────────────────────────────────────────────────────────────

const live = document.querySelector("[data-live]");
let stream = null;

function show(state, word) {
  if (!live) return;
  live.hidden = false;
  live.dataset.state = state;
  live.querySelector("[data-live-word]").textContent = word;
}

function listen() {
  if (stream) return;
  stream = new EventSource("/console/stream");
  stream.addEventListener("alive", () => show("live", "live"));
  stream.addEventListener("changed", () => {
    show("live", "live");
    document.body.dispatchEvent(new CustomEvent("board-changed"));
  });
  stream.addEventListener("error", () => show("lost", "no connection"));
}

// A tab nobody looks at holds no stream: browsers allow only a handful of connections to one host.
function rest() {
  if (!stream) return;
  stream.close();
  stream = null;
  show("resting", "resting");
}

if (document.querySelector("[hx-trigger*='board-changed']")) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return rest();
    listen();
    document.body.dispatchEvent(new CustomEvent("board-changed"));
  });
  listen();
}

// ── times in the reader's own zone ──────────────────────────────────────────────────────────────

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localise(root) {
  for (const time of root.querySelectorAll("time[data-clock], time[data-moment]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.valueOf())) continue;
    const text = (time.dataset.clock === undefined ? moment : clock).format(when);
    if (time.textContent !== text) time.textContent = text;
  }
}

// ── forms: only the fields that the chosen verb needs, and the name typed last time ─────────────

function fit(form) {
  const verb = new FormData(form).get("verb");
  for (const field of form.querySelectorAll("[data-for], [data-not]")) {
    const wanted = field.dataset.for ? field.dataset.for === verb : field.dataset.not !== verb;
    field.hidden = !wanted;
    for (const input of field.querySelectorAll("input, textarea")) {
      input.disabled = !wanted;
      input.required = wanted && field.dataset.optional === undefined;
    }
  }
}

function recall(root) {
  for (const input of root.querySelectorAll("[data-remember]")) {
    try {
      input.value ||= localStorage.getItem(`crossdock-${input.dataset.remember}`) ?? "";
    } catch {
      // nothing is kept here
    }
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-decide]");
  if (form) fit(form);
});

document.addEventListener("submit", (event) => {
  for (const input of event.target.querySelectorAll("[data-remember]")) {
    try {
      localStorage.setItem(`crossdock-${input.dataset.remember}`, input.value);
    } catch {
      // nothing is kept here
    }
  }
});

function settle(root) {
  localise(root);
  recall(root);
  for (const form of root.querySelectorAll("[data-decide]")) fit(form);
}

document.addEventListener("htmx:after:swap", () => settle(document));
settle(document);

// ── the theme ───────────────────────────────────────────────────────────────────────────────────

const THEMES = { auto: ["◐", "automatic"], light: ["○", "light"], dark: ["●", "dark"] };
const themeButton = document.querySelector("[data-theme-toggle]");

function paint(theme) {
  page.dataset.theme = theme;
  if (!themeButton) return;
  const [sign, word] = THEMES[theme];
  themeButton.textContent = sign;
  themeButton.setAttribute("aria-label", `Theme: ${word}`);
  themeButton.hidden = false;
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const theme = names[(names.indexOf(page.dataset.theme) + 1) % names.length];
  try {
    localStorage.setItem("crossdock-theme", theme);
  } catch {
    // chosen for this page only
  }
  paint(theme);
}

paint(page.dataset.theme in THEMES ? page.dataset.theme : "auto");
themeButton?.addEventListener("click", nextTheme);

// ── the keyboard ────────────────────────────────────────────────────────────────────────────────

const help = document.querySelector("[data-help-dialog]");
const helpButton = document.querySelector("[data-help]");
let goPending = 0;

if (helpButton) {
  helpButton.hidden = false;
  helpButton.addEventListener("click", () => help.showModal());
}

function step(by) {
  const links = [...document.querySelectorAll("[data-row] .row-link")];
  if (!links.length) return;
  const here = links.findIndex((link) => link.closest("tr") === document.activeElement?.closest("tr"));
  const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1);
  links[next].focus();
  links[next].closest("tr").scrollIntoView({ block: "nearest" });
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]") !== null;
}

// A word in a review: taken at once where name and reason stand there already, else the first of them is asked for.
function say(verb) {
  const form = document.querySelector("[data-review]");
  if (!form || ![...form.elements.verb.options].some((option) => option.value === verb)) return;
  form.elements.verb.value = verb;
  fit(form);
  const empty = [...form.querySelectorAll("input:not([type=hidden])")].find((input) => input.required && !input.value);
  if (empty) empty.focus();
  else form.requestSubmit();
}

function next() {
  const onward = document.querySelector("[data-next]");
  if (onward) onward.click();
  else step(1);
}

const KEYS = {
  s: () => say("same"),
  n: () => say("not_same"),
  l: () => say("later"),
  a: () => say("approve"),
  x: () => say("refuse"),
  j: next,
  k: () => step(-1),
  "/": () => {
    const search = document.querySelector("[data-search]");
    if (search) search.focus(), search.select();
    else location.assign("/console");
  },
  u: () => document.querySelector("[data-up]")?.click(),
  t: nextTheme,
  "?": () => help.showModal(),
  g: () => {
    goPending = Date.now();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && event.target.matches("[data-search]")) return event.target.blur();
  if (typing(event.target) || help?.open) return;
  if (Date.now() - goPending < 1200) {
    goPending = 0;
    const way = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (way) return event.preventDefault(), way.click();
  }
  const act = KEYS[event.key];
  if (act) event.preventDefault(), act();
});
