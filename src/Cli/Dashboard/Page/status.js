// Listeners, peers, drops and destinations.

import { byId, clock, count, element, milliseconds, shortKey, size, table } from "./dom.js";

export function showStatus(status) {
  const sum = name => status.listeners.reduce((total, listener) => total + listener[name], 0);
  const drops = status.listeners.flatMap(listener => listener.drops.map(drop => ({ ...drop, listener: listener.logicalId })));
  const totals = [
    ["in", count(sum("packetsIn"))],
    ["out", count(sum("packetsOut"))],
    ["dropped", count(drops.reduce((total, drop) => total + drop.count, 0))],
    ["latency", status.medianLatency === null ? "–" : `${milliseconds(status.medianLatency)} / ${milliseconds(status.highLatency)}`],
  ];
  byId("totals").replaceChildren(...totals.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value))));
  byId("listeners").replaceChildren(...status.listeners.map(showListener));
  byId("example").textContent = example(status.listeners[0]);

  byId("panel-peers").replaceChildren(table(
    ["Peer", "Kind", "From", "#Packets", "#Bytes", "#Replies", "Last seen"],
    status.peers.map(peer => [key(peer.name), element("span", `kind ${peer.kind}`, peer.kind), peer.source, count(peer.packets), size(peer.bytes), count(peer.replies), peer.lastSeen ? clock(peer.lastSeen) : "not yet"]),
    "Nobody has sent anything yet."));
  byId("panel-drops").replaceChildren(table(
    ["Reason", "Listener", "#Packets"],
    drops.sort((a, b) => b.count - a.count).map(drop => [element("code", "", drop.reason), drop.listener, count(drop.count)]),
    "Nothing was dropped."));
  byId("panel-destinations").replaceChildren(table(
    ["Destination", "Listener", "#Batches", "#Packets", "#Errors", "#Failed", "#Passed by", "#Waiting"],
    status.listeners.flatMap(listener => listener.destinations.map(destination => [
      destination.name, listener.logicalId, count(destination.batches), count(destination.packets), count(destination.functionErrors),
      count(destination.failures), count(destination.skipped), count(destination.queued)])),
    "No listener has a destination."));

  const notes = [];
  if (status.forgotten > 0) notes.push(`${count(status.forgotten)} older packets gave way`);
  if (status.missed > 0) notes.push(`${count(status.missed)} steps came too fast to be shown`);
  return notes.join(" · ");
}

function showListener(listener) {
  const dropped = listener.drops.reduce((total, drop) => total + drop.count, 0);
  const facts = [
    ["in", `${count(listener.packetsIn)} · ${size(listener.bytesIn)}`],
    ["out", `${count(listener.packetsOut)} · ${size(listener.bytesOut)}`],
    ["dropped", count(dropped)],
  ];
  if (listener.protocol === "wg") facts.push(["peers", listener.halfOpenPeers > 0 ? `${listener.peers} + ${listener.halfOpenPeers} half open` : listener.peers]);
  return element("article", "card",
    element("h2", "", listener.logicalId, element("span", `kind ${listener.protocol}`, listener.protocol === "wg" ? "WireGuard" : "UDP")),
    element("p", "endpoint", element("code", "", listener.endpoint), listener.publicKey ? key(listener.publicKey, true) : null),
    element("dl", "facts", ...facts.map(([name, value]) => element("div", "", element("dt", "", name), element("dd", "", value)))));
}

function key(text, isWhole) {
  const made = element("code", "key", isWhole ? text : shortKey(text));
  made.title = text;
  return made;
}

function example(listener) {
  if (!listener) return "udpgw send";
  return listener.publicKey
    ? `udpgw send ${listener.endpoint} hello --public-key ${listener.publicKey}`
    : `udpgw send ${listener.endpoint} hello`;
}
