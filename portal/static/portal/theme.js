// The theme buttons of the user menu, without a reload; without JavaScript they are a plain form.
"use strict";
(() => {
  const root = document.documentElement;
  const order = ["system", "light", "dark"];

  function show(theme) {
    root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-form] button[name=theme]")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
  }

  function save(form, theme) {
    const body = new FormData(form);
    body.set("theme", theme);
    fetch(form.action, { method: "POST", body }).catch(() => {
      /* The choice holds for this page; the next choice is sent again. */
    });
  }

  function choose(theme) {
    const form = document.querySelector("[data-theme-form]");
    show(theme);
    if (form) save(form, theme);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!event.target.matches("[data-theme-form]") || !button) return;
    event.preventDefault();
    choose(button.value);
  });
  document.addEventListener("countersign:next-theme", () => {
    choose(order[(order.indexOf(root.dataset.theme) + 1) % order.length]);
  });
})();
