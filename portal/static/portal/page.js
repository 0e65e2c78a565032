// Every page: times that run, answers that did not come, the one announcement for screen readers.
"use strict";
(() => {
  const MINUTE = 60, HOUR = 3600, DAY = 86400;

  // The same words as portal/templatetags/times.py.
  function words(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < MINUTE) return `${s} s`;
    if (s < HOUR) return `${Math.floor(s / MINUTE)} min`;
    const hours = Math.floor(s / HOUR), minutes = Math.floor((s % HOUR) / MINUTE);
    if (s < DAY) return minutes ? `${hours} h ${String(minutes).padStart(2, "0")}` : `${hours} h`;
    const days = Math.floor(s / DAY), rest = Math.floor((s % DAY) / HOUR);
    return rest ? `${days} d ${rest} h` : `${days} d`;
  }

  function tick() {
    const now = Date.now() / 1000;
    for (const time of document.querySelectorAll("time[data-rel]")) {
      const at = Date.parse(time.dateTime) / 1000;
      const seconds = time.dataset.rel === "left" ? at - now : now - at;
      if (seconds <= 0 && time.dataset.rel === "left") continue; // the portal says when it is over
      const text = time.dataset.form.replace("{}", words(seconds));
      if (time.textContent !== text) time.textContent = text;
    }
    for (const bar of document.querySelectorAll("progress[data-until]")) {
      const from = Date.parse(bar.dataset.from), until = Date.parse(bar.dataset.until);
      bar.value = Math.max(0, Math.min(1, (until - Date.now()) / (until - from)));
    }
  }
  setInterval(tick, 5000);

  // One polite live region, at most one announcement in 5 s; the last text wins.
  let spoken = 0, waiting = null, next = "";
  function speak() {
    waiting = null;
    spoken = Date.now();
    document.querySelector("[data-announce]").textContent = next;
  }
  function announce(text) {
    next = text;
    waiting ??= setTimeout(speak, Math.max(0, spoken + 5000 - Date.now()));
  }

  // The sentence stands in the page, translated; `name` says which.
  function flash(name) {
    const place = document.querySelector("[data-flash]");
    const note = document.createElement("div");
    note.className = "note bad";
    note.setAttribute("role", "alert");
    note.textContent = place.dataset[name];
    place.replaceChildren(note);
    note.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("htmx:sendError", () => flash("notSent"));
  document.addEventListener("htmx:responseError", () => flash("notRecorded"));
  // A whole page instead of a part: the session ended, or the portal refused before the view.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (!/^\s*<!doctype/i.test(xhr.responseText)) return;
    event.detail.shouldSwap = false;
    const signIn = document.querySelector("[data-flash]").dataset.signIn;
    if (xhr.status === 404 || new URL(xhr.responseURL).pathname === signIn) location.reload();
    else flash("notRecorded");
  });
  // After an answer: close the phone's sheet and show what became of it.
  document.addEventListener("htmx:afterRequest", (event) => {
    const sheet = event.target.closest?.("[popover]");
    if (!event.target.matches?.("[data-decide]")) return;
    if (sheet?.matches(":popover-open")) sheet.hidePopover();
    const { xhr } = event.detail;
    if (xhr.status < 400 && !xhr.getResponseHeader("HX-Redirect")) {
      event.target.elements.comment.defaultValue = ""; // what was kept while one confirmed
      event.target.reset();
    }
    document.querySelector("[data-flash]").scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("htmx:afterSettle", tick);
  // Opening what the page shows a beginning of is what its tick asks for.
  document.addEventListener("toggle", ({ target }) => {
    if (!target.open || !("opens" in target.dataset)) return;
    const tick = document.querySelector(`[name=opened][value="${CSS.escape(target.dataset.keep)}"]`);
    if (tick) tick.checked = true;
  }, true);

  window.countersign = { announce, tick };
})();
