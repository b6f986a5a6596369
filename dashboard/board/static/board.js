// What the board does in the browser: the live feed, clocks that run, and keys. Pages work without it, except for these.
"use strict";

const RETRY_MS = [1000, 2000, 5000, 10000];
const SILENCE_MS = 25000;
const $ = (selector) => document.querySelector(selector);

// --- Live: the feed says that something changed; the page fetches itself and is morphed in.

let source = null;
let failures = 0;
let lastHeard = Date.now();
let fetching = false;
let changedMeanwhile = false;

function shownPosition() {
  return Number($("#live")?.dataset.position || 0);
}

function setFeed(state) {
  const live = $("#live");
  if (!live) return;
  live.classList.toggle("lost", state !== "live");
  live.classList.toggle("on", state === "live");
  $("#feed").textContent = state;
  $("#lost").hidden = state === "live";
}

function connect() {
  const address = document.body.dataset.live;
  source?.close();
  source = null;
  if (!address) return;
  source = new EventSource(address);
  let first = true;
  const heard = (event) => {
    lastHeard = Date.now();
    failures = 0;
    if ($("#told").textContent === SIGNED_OUT) tell("");
    setFeed("live");
    if (first && Number(event.data) > shownPosition()) changed();
    first = false;
  };
  source.addEventListener("beat", heard);
  source.addEventListener("changed", (event) => { heard(event); changed(); });
  source.addEventListener("deaf", () => { lastHeard = Date.now(); setFeed("not live"); });
  source.addEventListener("ended", signedOut);
  source.onerror = lost;
}

function lost() {
  source?.close();
  source = null;
  setFeed("not live");
  setTimeout(connect, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
}

setInterval(() => { if (source && Date.now() - lastHeard > SILENCE_MS) lost(); }, 5000);

// Time alone makes things overdue, also where nothing is recorded.
setInterval(() => { if (source && document.visibilityState === "visible") changed(); }, 60000);

// What somebody reads, points at or has marked is not moved under them: they are told, and ask for it.
function isBeingRead(section) {
  const selection = document.getSelection();
  const marked = selection && !selection.isCollapsed && section.contains(selection.anchorNode);
  return marked || (section.contains(document.activeElement) && document.activeElement !== section);
}

function changed() {
  if (fetching) { changedMeanwhile = true; return; }
  fetchPage(false);
}

async function fetchPage(all) {
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
    if (answer.status === 401 || answer.type === "opaqueredirect") { signedOut(); return; }
    if (!answer.ok) setFeed("not live");
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"), all);
  } catch { /* the feed says so */ } finally {
    fetching = false;
    if (changedMeanwhile) { changedMeanwhile = false; changed(); }
  }
}

function show(page, all) {
  let waiting = 0;
  const before = new Set([...document.querySelectorAll("main [id]")].map((each) => each.id));
  for (const fresh of page.querySelectorAll("main section[id], main ul#tiles, main h1")) {
    const old = fresh.id ? document.getElementById(fresh.id) : $("main h1");
    if (!old || old.isEqualNode(fresh)) continue;
    if (fresh.hasAttribute("data-keep") || old.hasAttribute("data-keep")) continue;
    if (!all && isBeingRead(old)) { waiting += 1; continue; }
    Idiomorph.morph(old, fresh, { ignoreActiveValue: true });
  }
  const token = page.querySelector("input[name=csrf]")?.value;
  if (token) for (const each of document.querySelectorAll("input[name=csrf]")) each.value = token;
  const live = page.querySelector("#live");
  if (live && $("#live")) Idiomorph.morph($("#live"), live);
  setFeed("live");
  $("#pill").hidden = waiting === 0;
  announce([...document.querySelectorAll("main [id]")].filter((each) => !before.has(each.id)));
  tick();
}

let announcedAt = 0;
function announce(added) {
  for (const each of added) each.classList.add("fresh");
  setTimeout(() => added.forEach((each) => each.classList.remove("fresh")), 4000);
  if (added.length && Date.now() - announcedAt > 30000) {
    announcedAt = Date.now();
    $("#announce").textContent = added.length === 1 ? "One thing changed on this page." : `${added.length} things changed on this page.`;
  }
}

// --- What a person has typed is never lost without a word.

const IN_USE_MS = 60000;
const NOT_DONE = "It was not recorded, or nobody can say yet. Your text is still here: send it again, it is done only once.";
const SIGNED_OUT = "Your sign-in has ended. Open the board in another tab and sign in there, then go on here: your text stays.";
let dirty = false;
let usedAt = Date.now();

function tell(text) { $("#told").textContent = text; $("#told").hidden = !text; }

function signedOut() {
  source?.close();
  source = null;
  if (!dirty) { location.reload(); return; }
  tell(SIGNED_OUT);
  setFeed("not live");
  setTimeout(connect, RETRY_MS.at(-1));
}

document.addEventListener("input", (event) => {
  dirty = dirty || Boolean(event.target.closest("[data-keep]"));
  if (Date.now() - usedAt > IN_USE_MS) { usedAt = Date.now(); fetch("/in-use").catch(() => {}); }
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "deciding" || event.detail.xhr.responseText.includes('id="deciding"')) return;
  if (event.detail.xhr.status === 204) return; // it was recorded, and the browser goes to the page
  event.detail.shouldSwap = false;
  tell(NOT_DONE);
});
document.addEventListener("htmx:afterSwap", () => { dirty = Boolean($("#deciding .wrong")); tell(""); });
for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(failed, (event) => tell(event.detail.xhr?.status === 401 ? SIGNED_OUT : NOT_DONE));
}

// --- Clocks: the server says when something is due; the browser counts, without asking.

const serverAhead = Date.parse($("#live time")?.dateTime || "") - Date.now();
function tick() {
  if (Number.isNaN(serverAhead) || Math.abs(serverAhead) > 120000) return; // a demonstration's calendar stands still
  for (const due of document.querySelectorAll("[data-due]")) {
    const left = Date.parse(due.dataset.due) - Date.now() - serverAhead;
    const words = left >= 0 ? `in ${inWords(left)}` : `${inWords(-left)} late`;
    const text = due.querySelector(".left");
    if (text.textContent !== words) text.textContent = words;
    due.classList.toggle("late", left < 0);
  }
}

function inWords(ms) {
  const minutes = Math.floor(ms / 60000);
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  const days = Math.floor(minutes / 1440);
  return days === 1 ? "1 day" : `${days} days`;
}

// --- Keys.

let pendingG = 0;
const PAGES = { t: "/", j: "/journeys", d: "/duties" };

function rows() { return [...document.querySelectorAll("table.rows tbody tr[id]")]; }

function moveTo(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  next.tabIndex = -1;
  next.focus();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable], dialog[open]");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); $("#find")?.focus(); return; }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (Date.now() - pendingG < 1200 && PAGES[event.key]) { location.assign(PAGES[event.key]); return; }
  const keys = {
    "/": () => $("#find")?.focus(),
    "?": () => $("#keys").showModal(),
    g: () => { pendingG = Date.now(); },
    j: () => moveTo(1),
    k: () => moveTo(-1),
    r: () => showAll(),
    Enter: () => event.target.closest?.("tr[id]")?.querySelector("a.ref, a.act")?.click(),
  };
  if (keys[event.key] && !(event.key === "Enter" && !event.target.matches("tr[id]"))) {
    if (event.key !== "Enter") event.preventDefault();
    keys[event.key]();
  }
});

function showAll() { $("#pill").hidden = true; fetchPage(true); }

// --- Light or dark; the choice is kept in this browser and says nothing about anybody.

function setTheme(theme) { document.documentElement.dataset.theme = theme; localStorage.setItem("theme", theme); }
const keptTheme = localStorage.getItem("theme");
if (keptTheme) document.documentElement.dataset.theme = keptTheme;

document.addEventListener("click", (event) => {
  if (event.target.closest("#pill button")) showAll();
  if (event.target.closest("[data-keys]")) $("#keys").showModal();
  if (event.target.closest("[data-theme-button]")) {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    setTheme((document.documentElement.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark");
  }
});

setInterval(tick, 10000);
connect();
