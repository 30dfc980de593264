// Shows what the admin API says, every two seconds. Text is only ever set as text: nothing a person wrote becomes markup.
"use strict";

const every = 2000;
const byId = (id) => document.getElementById(id);

function element(tag, content, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const part of [content].flat()) made.append(part ?? "");
  return made;
}

function rows(id, cells, columns, none) {
  const made = cells.map((row) => element("tr", row.map((cell) => (cell instanceof Node && cell.tagName === "TD" ? cell : element("td", cell)))));
  if (made.length === 0) {
    const cell = element("td", none, "none");
    cell.colSpan = columns;
    made.push(element("tr", cell));
  }
  byId(id).replaceChildren(...made);
}

function ago(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function share(operation) {
  const bar = element("progress");
  bar.max = 100;
  bar.value = operation.weight;
  bar.setAttribute("aria-label", `${operation.operation}: ${operation.weight} % on the rust side`);
  return element("div", [bar, element("span", `${operation.weight} %`)], "share");
}

function lastChange(change, now) {
  if (!change) return element("span", "never", "quiet");
  const text = `${change.before} → ${change.after} %, ${ago(now - change.at_ms)} ago by ${change.actor}`;
  return [text, change.reason ? element("div", change.reason, "quiet") : ""];
}

function showStatus(status) {
  const { connected, in_sync: inSync } = status.envoys;
  byId("gateway").textContent = status.gateway;
  document.title = `Cutover: ${status.gateway}`;
  byId("facts").textContent =
    `listens on ${status.listen} · revision ${status.revision} · ${inSync} of ${connected} Envoys in sync · version ${status.version}`;
  rows("operations", status.operations.map((one) => [
    element("strong", one.operation),
    element("span", one.method ? `${one.method} ${one.path}` : "anything else", one.method ? "mono" : "quiet"),
    share(one),
    `node → ${one.rust}`,
    lastChange(one.last_change, status.now_ms),
  ]), 5, "The contract has no operation.");
  const missing = status.missing.map((one) => `${one.operation} (${one.weight} %)`).join(", ");
  byId("missing").hidden = missing === "";
  byId("missing").textContent = `No longer in the contract, but their weight is kept: ${missing}`;
}

function envoyState(envoy) {
  if (envoy.refusal) {
    const { resource_type: type, message } = envoy.refusal;
    return [element("span", "refuses", "bad"), element("div", `${type}: ${message}`, "quiet")];
  }
  return envoy.in_sync ? element("span", "in sync", "good") : element("span", "lagging", "bad");
}

function showEnvoys({ envoys }) {
  rows("envoys", envoys.map((envoy) => [
    element("strong", envoy.node),
    envoyState(envoy),
    String(envoy.confirmed),
    envoy.version ?? "unknown",
    ago(envoy.connected_for_ms),
    element("span", envoy.peer ?? "unknown", "mono"),
  ]), 6, "No Envoy is connected.");
}

function showHistory({ entries }) {
  rows("history", entries.map((entry) => [
    String(entry.revision),
    new Date(entry.at_ms).toLocaleString(),
    entry.actor,
    entry.changes.map((change) => element("div", `${change.operation} ${change.before} → ${change.after} %`)),
    entry.reason ?? element("span", "not said", "quiet"),
  ]), 5, "Nothing has been changed yet.");
}

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

async function refresh() {
  try {
    const [status, envoys, history] = await Promise.all(
      ["/api/v1/status", "/api/v1/envoys", "/api/v1/history?limit=15"].map(ask));
    showStatus(status);
    showEnvoys(envoys);
    showHistory(history);
    byId("trouble").hidden = true;
    document.body.classList.remove("stale");
  } catch (error) {
    byId("trouble").textContent = `The control plane does not answer (${error.message}); what is shown may be old.`;
    byId("trouble").hidden = false;
    document.body.classList.add("stale");
  }
  setTimeout(refresh, every);
}

refresh();
