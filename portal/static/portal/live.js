// Keeps the page true. Messages carry ids only: the page reads the row or its parts again, so
// every reading asks for permission anew.
"use strict";
(() => {
  const page = document.body.dataset.live; // "queue", "request" or ""
  const LEAVE = 4000, SETTLE = 2000, POLL = 15000, MANY = 5;
  const { announce, tick } = window.countersign;
  let connection = { open: true, since: Date.now() };
  let lastUpdate = new Date();

  // -- reading -------------------------------------------------------------------------------
  // Gives the fragment's text; null for 204 and 404 (no longer there), undefined when unreachable.
  async function read(url, target) {
    let answer;
    try {
      answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": target } });
    } catch {
      return undefined;
    }
    if (answer.redirected) location.reload(); // the session ended
    if (answer.status === 204 || answer.status === 404) return null;
    if (!answer.ok || answer.redirected) return undefined;
    lastUpdate = new Date();
    return answer.text();
  }

  // Version 0 stands for “some version”: what a stream catches up with after a gap.
  const knows = (element, message) =>
    message.version > 0 && Number(element.dataset.version) >= message.version;

  // -- the queue -----------------------------------------------------------------------------
  const list = () => document.getElementById("queue");
  const held = new Set(); // ids of new rows that wait behind the bar
  let settling = null;

  function busy() {
    const hovered = matchMedia("(hover: hover)").matches && list().matches(":hover");
    return hovered || list().contains(document.activeElement);
  }

  async function rereadList() {
    const text = await read(location.href, "queue");
    if (!text) return;
    held.clear();
    htmx.swap("#queue", text, { swapStyle: "outerHTML" });
    tick();
  }

  // Counts, groups and order follow once nothing has come for a moment and nobody is in the list.
  function settle() {
    clearTimeout(settling);
    const wait = () => busy() || held.size || list().querySelector(".leaving");
    settling = setTimeout(() => (wait() ? settle() : rereadList()), SETTLE);
  }

  function hold(id) {
    held.add(id);
    const more = list().querySelector("[data-more]");
    const text = more.dataset.words.replace("{}", held.size);
    more.querySelector("button").textContent = text;
    more.hidden = false;
    announce(text);
  }

  function leave(row) {
    row.classList.add("leaving");
    setTimeout(function go() {
      if (row.matches(":hover") || row.contains(document.activeElement)) {
        setTimeout(go, LEAVE);
      } else {
        row.remove();
        settle();
      }
    }, LEAVE);
  }

  // Puts a row where it belongs by time left; false when its group is not on the page.
  function place(text) {
    const row = new DOMParser().parseFromString(text, "text/html").querySelector(".q");
    const rows = row && list().querySelector(`[data-group="${row.dataset.group}"] ul`);
    if (!rows) return false;
    const after = [...rows.children].find((other) => other.dataset.ends > row.dataset.ends);
    if (after) htmx.swap(after, text, { swapStyle: "beforebegin" });
    else htmx.swap(rows, text, { swapStyle: "beforeend" });
    return true;
  }

  async function updateRow(message) {
    const find = () => document.getElementById(`q-${message.id}`);
    const known = find();
    if (known && knows(known, message)) return;
    if (!known && busy()) return hold(message.id);
    const text = await read(list().dataset.rows.replace("{id}", message.id), "q");
    const row = find(); // the whole list may have been read again meanwhile
    if (text === undefined) return settle();
    if (text === null) return row && leave(row);
    if (!row && text.includes("data-over")) return;
    if (row) htmx.swap(row, text, { swapStyle: "outerHTML" });
    else if (!place(text)) return rereadList();
    const fresh = find();
    fresh.classList.add("flash");
    if (fresh.dataset.over) leave(fresh);
    else announce(fresh.dataset.say);
    tick();
    settle();
  }

  const pending = new Map();
  let working = false;
  async function work() {
    if (working) return;
    working = true;
    while (pending.size) {
      if (pending.size > MANY && !busy()) {
        pending.clear();
        await rereadList();
        continue;
      }
      const [id, message] = pending.entries().next().value;
      pending.delete(id);
      await updateRow(message);
    }
    working = false;
  }

  // -- the request page ----------------------------------------------------------------------
  const shown = () => document.querySelector("[data-version]");
  let reading = false, again = false;
  let seen = ""; // the snapshot this page decided on; an answer under way knows of none or another

  // What was opened stays open. The focus leaves before its element does: while a focused one is
  // taken out, the browser measures the half-swapped page and leaps to another place of it.
  function swapParts(text) {
    const kept = () => [...document.querySelectorAll("details[data-keep]")];
    const opened = kept().filter((one) => one.open).map((one) => one.dataset.keep);
    const focused = document.activeElement.closest("details[data-keep]");
    if (focused) document.activeElement.blur();
    htmx.swap(document.body, text, { swapStyle: "none" });
    for (const one of kept()) {
      one.open ||= opened.includes(one.dataset.keep);
      if (one.dataset.keep === focused?.dataset.keep) one.querySelector("summary").focus({ preventScroll: true });
    }
  }

  async function rereadRequest() {
    if (reading) { again = true; return; }
    reading = true;
    const url = new URL(shown().dataset.url, location);
    if (seen) url.searchParams.set("seen", seen);
    const text = await read(url, "live");
    if (text === null) location.reload();
    if (text) {
      swapParts(text);
      tick();
      announce(document.querySelector("[data-state]").textContent.trim());
    }
    reading = false;
    if (again) { again = false; rereadRequest(); }
  }

  // -- messages ------------------------------------------------------------------------------
  function reread() {
    if (page === "queue" && !busy()) rereadList();
    else if (page === "queue") settle();
    else if (page === "request") rereadRequest();
  }

  function hear(message) {
    if (message.kind === "state") {
      connection = message;
      show();
    } else if (message.kind === "resync") {
      reread();
    } else if (page === "queue") {
      pending.set(message.id, message);
      work();
    } else if (page === "request" && document.querySelector("[data-request]").dataset.request === message.id) {
      if (!knows(shown(), message)) rereadRequest();
    }
  }

  function show() {
    const tag = document.querySelector("[data-live-state]");
    if (!tag || !page) return;
    const lost = connection.open ? 0 : Date.now() - connection.since;
    const [state, colour] = lost < 10000 ? ["live", "ok"] : lost < 30000 ? ["wait", "idle"] : ["off", "warn"];
    const clock = lastUpdate.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    tag.className = `tag ${colour} ${state}`;
    tag.querySelector("span").textContent = tag.dataset[`${state}Word`].replace("{}", clock);
    tag.hidden = false;
  }

  function connect() {
    const position = Number(document.body.dataset.position || 0);
    if (window.SharedWorker) {
      const worker = new SharedWorker(document.body.dataset.worker, { name: "countersign-live" });
      worker.port.onmessage = ({ data }) => hear(data);
      worker.port.postMessage({ kind: "join", position });
      addEventListener("pagehide", () => worker.port.postMessage({ kind: "bye" }));
      addEventListener("pageshow", (event) => {
        if (!event.persisted) return;
        worker.port.postMessage({ kind: "join", position });
        reread();
      });
      return;
    }
    const script = document.createElement("script");
    script.src = document.body.dataset.worker;
    script.onload = () => window.countersignStream(hear).join(position, hear);
    document.head.append(script);
  }

  if (!page) return;
  connect();
  // What this page sent was recorded: the facts that it was about are the ones to compare with now.
  document.addEventListener("reread", ({ detail }) => {
    seen = detail?.seen || seen;
    reread();
  });
  setInterval(show, 1000);
  setInterval(() => { if (!connection.open && Date.now() - connection.since > 30000) reread(); }, POLL);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-show-new]")) rereadList();
  });
})();
