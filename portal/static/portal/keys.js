// Single keys move the focus; none of them decides. Off while a field has the focus, and by setting.
"use strict";
(() => {
  if (document.body.dataset.keys === "off") return;
  const places = { q: "queue", r: "requests", p: "policies" };
  let going = 0; // when `g` was pressed

  const all = (selector) => [...document.querySelectorAll(selector)];
  const focus = (selector) => {
    const element = document.querySelector(selector);
    element?.focus();
    element?.scrollIntoView({ block: "nearest" });
    return Boolean(element);
  };

  // The element `step` places after the focused one.
  function step(selector, by) {
    const items = all(selector);
    if (!items.length) return;
    const here = items.findIndex((item) => item.contains(document.activeElement));
    const next = here < 0 ? (by > 0 ? 0 : items.length - 1) : here + by;
    const target = items[Math.max(0, Math.min(items.length - 1, next))];
    target.focus();
    target.scrollIntoView({ block: "nearest" });
  }

  function tickHere() {
    const fact = document.activeElement.closest("[data-fact]")?.dataset.fact;
    const box = all("[data-tick]").find((tick) => (fact ? tick.dataset.tick === fact : !tick.checked));
    box?.click();
  }

  // On a phone the decision panel is a closed sheet: open it before moving into it.
  function decide(selector) {
    const sheet = document.querySelector(".decide[popover]");
    if (sheet && getComputedStyle(sheet).display === "none") sheet.showPopover();
    focus(selector);
  }

  function go(name) {
    document.querySelector(`[data-nav="${name}"]`)?.click();
  }

  const keys = {
    j: () => step(".q .title a, .table tbody a", 1),
    k: () => step(".q .title a, .table tbody a", -1),
    u: () => go("queue"),
    f: () => {
      const filters = document.querySelector("[data-filters]");
      if (filters) filters.open = true;
      focus("[data-filters] select");
    },
    n: () => document.querySelector("[data-more]:not([hidden]) button")?.click(),
    c: () => step("[data-fact]", 1),
    x: tickHere,
    a: () => decide("[data-key=approve]"),
    r: () => decide("[data-key=reject]"),
    m: () => decide("[data-key=comment]"),
    t: () => document.dispatchEvent(new Event("countersign:next-theme")),
    "?": () => document.querySelector("#keys")?.togglePopover(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) return;
    const going_now = Date.now() - going < 1500;
    going = 0;
    if (event.key === "g") going = Date.now();
    else if (going_now && places[event.key]) go(places[event.key]);
    else if (keys[event.key]) keys[event.key]();
    else return;
    event.preventDefault();
  });
})();
