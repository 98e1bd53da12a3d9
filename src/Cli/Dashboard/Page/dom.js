// The only way in which this page makes elements: text is text.

export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter(child => child !== null && child !== undefined && child !== "").map(child => child instanceof Node ? child : String(child)));
  return made;
}

export const byId = id => document.getElementById(id);

export function pill(state) {
  return element("span", `pill ${state.replace(/[^a-z]/g, "")}`, state);
}

export function definitions(pairs) {
  const list = element("dl", "fields");
  for (const [name, value] of pairs) list.append(element("dt", "", name), element("dd", "", value));
  return list;
}

export function table(headings, rows, emptyText) {
  if (rows.length === 0) return element("p", "empty", emptyText);
  const head = element("tr", "", ...headings.map(heading => element("th", heading.startsWith("#") ? "num" : "", heading.replace("#", ""))));
  const body = rows.map(row => element("tr", "", ...row.map((cell, index) => element("td", headings[index].startsWith("#") ? "num" : "", cell))));
  return element("table", "plain", element("thead", "", head), element("tbody", "", ...body));
}

export const count = number => number.toLocaleString("en-US");

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  do {
    bytes /= 1000;
    unit++;
  } while (bytes >= 1000 && unit < units.length - 1);
  return `${bytes.toFixed(bytes < 10 ? 1 : 0)} ${units[unit]}`;
}

export function milliseconds(value) {
  if (value < 0.1) return `${Math.round(value * 1000)} µs`;
  return value < 1000 ? `${value.toFixed(value < 10 ? 2 : 1)} ms` : `${(value / 1000).toFixed(2)} s`;
}

export const shortKey = key => key.length > 16 ? `${key.slice(0, 8)}…${key.slice(-5)}` : key;

export function clock(text) {
  const at = new Date(text);
  return `${at.toLocaleTimeString("en-GB")}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}
