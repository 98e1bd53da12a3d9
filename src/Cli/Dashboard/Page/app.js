// The packet list: stream, filter, pause and keys.

import { byId, clock, count, element, pill, shortKey } from "./dom.js";
import { showDetail } from "./detail.js";
import { showStatus } from "./status.js";

const MaxRows = 1000;
const packets = new Map();
const held = new Map();
const logicalIds = new Map();
const rows = byId("packets");
let selected = null;
let isPaused = false;
let state = "";
let clearedUpTo = 0;
let note = "";

// Stream.

const stream = new EventSource("stream");
stream.addEventListener("open", () => setLive("live", "live"));
stream.addEventListener("error", () => setLive("lost", stream.readyState === EventSource.CLOSED ? "ended; the next `udpgw up` prints a new address" : "not connected"));
stream.addEventListener("packets", message => receive(JSON.parse(message.data)));
stream.addEventListener("status", message => {
  const status = JSON.parse(message.data);
  for (const listener of status.listeners) logicalIds.set(listener.name, listener.logicalId);
  note = showStatus(status);
  showFoot();
});

function setLive(name, text) {
  byId("live").className = `live ${name}`;
  byId("live").textContent = text;
}

function receive(lines) {
  if (isPaused) {
    for (const line of lines) held.set(line.number, line);
    while (held.size > MaxRows) held.delete(held.keys().next().value);
    showFoot();
    return;
  }
  for (const line of lines) if (line.number > clearedUpTo) put(line);
  trim();
  showFoot();
}

function put(line) {
  const known = packets.get(line.number);
  const row = makeRow(line);
  packets.set(line.number, { line, row });
  if (known) {
    known.row.replaceWith(row);
  } else {
    // Nearly always the newest; a packet of another worker may come a little late.
    let next = rows.firstElementChild;
    while (next && Number(next.dataset.number) > line.number) next = next.nextElementSibling;
    rows.insertBefore(row, next);
  }
  if (line.number === selected) {
    mark(row, true);
    load(line.number);
  }
}

function makeRow(line) {
  const from = element("td", "from", line.source);
  if (line.peer) {
    const who = element("span", line.isNamedPeer ? "who named" : "who", shortKey(line.peer));
    who.title = `${line.peer} (${line.isNamedPeer ? "named" : "unknown"} peer)`;
    from.append(who);
  }
  const what = element("td", "what", element("span", "line", line.summary), element("span", "preview", line.reason ? element("em", "reason", line.reason) : null, line.preview));
  const row = element("tr", "", element("td", "num quiet", line.number), element("td", "time", clock(line.at)), from, element("td", "proto", line.protocol), what,
    element("td", "num", count(line.length)), element("td", "", pill(line.state)), element("td", "num", line.state === "dropped" ? "" : line.milliseconds.toFixed(2)));
  row.dataset.number = line.number;
  row.id = `packet-${line.number}`;
  row.hidden = !matches(line);
  return row;
}

function trim() {
  while (packets.size > MaxRows) {
    const last = rows.lastElementChild;
    packets.delete(Number(last.dataset.number));
    last.remove();
  }
}

// Filter.

function matches(line) {
  if (state && line.state !== state) return false;
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(word => word.length > (word.startsWith("-") ? 1 : 0));
  if (words.length === 0) return true;
  const text = [
    line.source, line.peer, line.listener, line.protocol, line.summary, line.preview, line.destinations, line.reason,
    `state:${line.state}`, `proto:${line.protocol}`, `listener:${line.listener}`, `listener:${logicalIds.get(line.listener) ?? ""}`, `peer:${line.peer ? line.isNamedPeer ? "named" : "unknown" : "plain"}`, `#${line.number}`,
  ].join(" ").toLowerCase();
  return words.every(word => word.startsWith("-") ? !text.includes(word.slice(1)) : text.includes(word));
}

function filter() {
  for (const { line, row } of packets.values()) row.hidden = !matches(line);
  showFoot();
}

byId("filter").addEventListener("input", filter);
for (const button of document.querySelectorAll("[data-state]")) {
  button.addEventListener("click", () => {
    state = button.dataset.state;
    for (const other of document.querySelectorAll("[data-state]")) other.setAttribute("aria-pressed", String(other === button));
    filter();
  });
}

const plural = number => `${count(number)} ${number === 1 ? "packet" : "packets"}`;

function showFoot() {
  const shown = shownRows().length;
  byId("empty").hidden = packets.size > 0;
  const parts = [shown === packets.size ? plural(shown) : `${count(shown)} of ${plural(packets.size)}`];
  if (isPaused) parts.push(`paused, ${count(held.size)} changed since`);
  if (note) parts.push(note);
  byId("foot").textContent = parts.join(" · ");
}

// Pause and clear.

function pause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  byId("pause").textContent = isPaused ? "Go on" : "Pause";
  if (!isPaused) {
    const lines = [...held.values()];
    held.clear();
    receive(lines);
  }
  showFoot();
}

function clear() {
  clearedUpTo = Math.max(clearedUpTo, ...packets.keys(), ...held.keys());
  packets.clear();
  held.clear();
  rows.replaceChildren();
  selected = null;
  byId("panel-packet").replaceChildren(element("p", "empty", "Choose a packet to see its layers, its batch, the answer and the reply."));
  showFoot();
}

byId("pause").addEventListener("click", pause);
byId("clear").addEventListener("click", clear);

// Selection.

const shownRows = () => Array.from(rows.children).filter(row => !row.hidden);

function mark(row, isSelected) {
  row?.classList.toggle("selected", isSelected);
  if (isSelected) row?.setAttribute("aria-current", "true");
  else row?.removeAttribute("aria-current");
}

function select(row) {
  if (!row) return;
  mark(packets.get(selected)?.row, false);
  selected = Number(row.dataset.number);
  mark(row, true);
  row.scrollIntoView({ block: "nearest" });
  choose("packet");
  load(selected);
}

async function load(number) {
  const response = await fetch(`packets/${number}`);
  if (number !== selected) return;
  if (response.ok) showDetail(await response.json());
  else byId("panel-packet").replaceChildren(element("p", "empty", "This packet has given way to newer ones."));
}

function move(step) {
  const shown = shownRows();
  const at = shown.findIndex(row => Number(row.dataset.number) === selected);
  select(shown[at < 0 ? 0 : Math.min(Math.max(at + step, 0), shown.length - 1)]);
}

rows.addEventListener("click", event => select(event.target.closest("tr")));

// Tabs.

const tabs = Array.from(document.querySelectorAll("[role=tab]"));

function choose(name) {
  for (const tab of tabs) {
    const isChosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !isChosen;
  }
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab.id.slice(4)));
  tab.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    choose(next.id.slice(4));
    next.focus();
    event.stopPropagation();
  });
}

// Keys.

const keys = {
  "ArrowDown": () => move(1), "j": () => move(1), "ArrowUp": () => move(-1), "k": () => move(-1),
  "/": () => byId("filter").focus(), "p": pause, "c": clear, "d": () => byId("capture").click(), "?": () => byId("help").showModal(),
  "1": () => choose("packet"), "2": () => choose("peers"), "3": () => choose("drops"), "4": () => choose("destinations"),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  if (event.target === byId("filter")) {
    if (event.key === "Escape") {
      byId("filter").value = "";
      filter();
      rows.focus();
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      rows.focus();
      move(selected === null ? 0 : 1);
      event.preventDefault();
    }
    return;
  }
  // Arrows scroll what a person reads; in the list they choose.
  if (event.key.startsWith("Arrow") && event.target.closest(".panel")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

byId("help-open").addEventListener("click", () => byId("help").showModal());
byId("help-close").addEventListener("click", () => byId("help").close());

// Theme.

const themes = ["auto", "light", "dark"];
let theme = themes.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto";

function showTheme() {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = `Theme: ${theme}`;
}

byId("theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  localStorage.setItem("theme", theme);
  showTheme();
});

showTheme();
showFoot();
