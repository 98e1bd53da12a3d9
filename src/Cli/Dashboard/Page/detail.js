// One packet: its layers, the time of each step, its batch, the answer and the replies.

import { byId, definitions, element, clock, milliseconds, pill, size } from "./dom.js";
import { bytesOf, hexDump, pretty, textOf } from "./hex.js";

export function showDetail(detail) {
  const { line } = detail;
  const parts = [
    element("div", "title", element("h2", "", `Packet ${line.number}`), pill(line.state), element("span", "quiet", clock(line.at))),
    element("p", "summary", `${line.protocol}  ${line.summary}`),
  ];
  if (line.reason) parts.push(element("p", "problem", line.state === "dropped" ? `Dropped: ${line.reason}` : line.reason));
  parts.push(journey(detail));
  for (const layer of detail.layers) parts.push(showLayer(layer));
  parts.push(payload("Payload", detail.payloadHex));
  if (detail.payloadHex !== detail.hex && detail.hex) parts.push(fold(`Whole packet, ${size(detail.hex.length / 2)}`, dump(detail.hex)));
  for (const placement of detail.placements) parts.push(showPlacement(placement));

  const panel = byId("panel-packet");
  const { scrollTop } = panel;
  const isSame = panel.dataset.number === String(line.number);
  const open = isSame ? new Set(Array.from(panel.querySelectorAll("details[open]"), fold => fold.dataset.key)) : new Set();
  panel.replaceChildren(...parts);
  for (const fold of panel.querySelectorAll("details")) if (open.has(fold.dataset.key)) fold.open = true;
  panel.dataset.number = line.number;
  panel.scrollTop = isSame ? scrollTop : 0;
}

function journey(detail) {
  const steps = [...detail.steps.map(step => ({ ...step, where: "" })), ...detail.placements.flatMap(placement => placement.steps.map(step => ({ ...step, where: placement.destination })))];
  const longest = Math.max(...steps.map(step => step.milliseconds), 0.001);
  const list = element("ol", "journey");
  let before = 0;
  for (const step of steps.sort((a, b) => a.milliseconds - b.milliseconds)) {
    const bar = element("span", "span");
    bar.style.left = `${100 * before / longest}%`;
    bar.style.width = `${Math.max(100 * (step.milliseconds - before) / longest, 0.6)}%`;
    const name = detail.placements.length > 1 && step.where ? `${step.name} · ${step.where}` : step.name;
    list.append(element("li", step.name.includes("dropped") || step.name === "failed" ? "bad" : "", element("span", "step", name), element("span", "track", bar), element("span", "at", `+${milliseconds(step.milliseconds)}`)));
    before = step.milliseconds;
  }
  return element("section", "block", element("h3", "", "Journey"), list);
}

function showLayer(layer) {
  return element("section", "block layer", element("h3", "", layer.title), definitions(layer.fields.map(field => [field.key, field.value])));
}

function payload(title, hex) {
  const bytes = bytesOf(hex);
  const block = element("section", "block", element("h3", "", title, element("span", "quiet", ` ${size(bytes.length)}`)));
  if (bytes.length === 0) {
    block.append(element("p", "quiet", "empty"));
    return block;
  }
  const text = textOf(bytes);
  if (text !== null) block.append(element("pre", "text", text.length > 4096 ? `${text.slice(0, 4096)}…` : text));
  block.append(dump(hex));
  return block;
}

const dump = hex => element("pre", "hex", hexDump(bytesOf(hex)));

function fold(title, ...content) {
  const made = element("details", "", element("summary", "", title), ...content);
  made.dataset.key = title;
  return made;
}

function showPlacement(placement) {
  const block = element("section", "block destination", element("h3", "", "Destination ", element("em", "", placement.destination)));
  if (!placement.batch) {
    block.append(element("p", "quiet", `Not taken: ${placement.placement}.`));
    return block;
  }
  block.append(definitions([
    ["Batch", `${placement.batch}, packet ${placement.index + 1} of ${placement.batchCount || "…"}`],
    ["Payload", size(placement.batchBytes)],
    ["Result", placement.result ?? "under way"],
  ]));
  if (placement.problem) block.append(element("p", "problem", placement.problem));
  if (placement.replyProblem) block.append(element("p", "problem", placement.replyProblem));
  if (placement.request) block.append(fold(`Request of the batch`, element("pre", "json", pretty(placement.request))));
  if (placement.answer !== null) block.append(fold(`Answer, ${size(placement.answerBytes)}`, element("pre", "json", pretty(placement.answer))));
  placement.replies.forEach((reply, index) => block.append(showReply(reply, index)));
  return block;
}

function showReply(reply, index) {
  const block = element("section", "reply", element("h4", "", `Reply ${index + 1} `, element("span", "quiet", reply.summary)));
  if (reply.dropReason) block.append(element("p", "problem", `Dropped: ${reply.dropReason}`));
  for (const layer of reply.layers) block.append(showLayer(layer));
  block.append(payload("Payload", reply.payloadHex));
  return block;
}
