// The policy editor: line numbers, and what was found at its line. The portal says what is wrong;
// without this script the same stands in the list beside the text.
"use strict";
(() => {
  // Whoever types the value of a fact to try knows it.
  document.addEventListener("input", (event) => {
    const box = event.target.closest("#try .f")?.querySelector("input[type=checkbox]");
    if (box && event.target !== box) box.checked = false;
  });

  const box = document.querySelector("[data-editor]");
  if (!box) return; // the page that only tries
  const area = box.querySelector("textarea");
  const made = (name) => Object.assign(document.createElement("div"), { className: name, ariaHidden: "true" });
  const gutter = made("gutter"), layer = made("layer");
  const numbers = made(""), marks = made("");
  gutter.append(numbers);
  layer.append(marks);
  box.prepend(gutter, layer);
  box.classList.add("numbered");

  const lines = () => area.value.split("\n");
  const found = () => [...document.querySelectorAll("#findings [data-line]")].map((item) => ({
    line: Number(item.dataset.line),
    column: Number(item.dataset.column),
    kind: item.dataset.kind,
    said: item.querySelector("[data-said]").textContent,
  }));

  // A mark in the row of a line; the stylesheet knows how tall a row and how wide a letter is.
  function mark(name, line, column, width, text = "") {
    const one = document.createElement("span");
    one.className = name;
    one.textContent = text;
    one.style.setProperty("--line", line - 1);
    one.style.setProperty("--column", column);
    one.style.setProperty("--width", width);
    return one;
  }

  function draw() {
    const text = lines(), places = found();
    const worst = new Map();
    for (const kind of ["info", "warn", "bad"]) {
      for (const place of places.filter((one) => one.kind === kind)) worst.set(place.line, kind);
    }
    numbers.replaceChildren(...text.map((_, index) => {
      const number = document.createElement("div");
      number.textContent = index + 1;
      number.className = worst.get(index + 1) ?? "";
      return number;
    }));
    marks.replaceChildren();
    for (const [line, kind] of worst) {
      const here = places.filter((one) => one.line === line && one.kind === kind);
      const end = (text[line - 1] ?? "").length + 2;
      const said = here.map((one) => one.said.trim()).join(" · ");
      if (kind !== "info") marks.append(mark(`row ${kind}`, line, 0, 0));
      marks.append(mark(`said ${kind}`, line, end, 0, said));
      if (kind === "bad") {
        for (const { column } of here) {
          const word = /^([\w.-]+|\S)/.exec((text[line - 1] ?? "").slice(column - 1));
          if (word) marks.append(mark("word", line, column - 1, word[0].length));
        }
      }
    }
    follow();
  }

  function follow() {
    numbers.style.transform = `translateY(${-area.scrollTop}px)`;
    marks.style.transform = `translate(${-area.scrollLeft}px, ${-area.scrollTop}px)`;
  }

  // What was found is about another text from the first letter on, until the answer is there.
  function stale(name) {
    for (const tag of document.querySelectorAll("#findings [data-checking], #findings [data-unchecked]")) {
      tag.hidden = !(name in tag.dataset);
    }
  }

  function goTo(line, column) {
    const before = lines().slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(before + column - 1, before + column - 1);
    area.scrollTop = Math.max(0, (line - 5) * parseFloat(getComputedStyle(area).lineHeight));
  }

  // As if it had been typed, so that it can be undone.
  function replace(text) {
    if (text === area.value) return;
    const { scrollTop } = area;
    area.focus();
    area.select();
    if (!document.execCommand("insertText", false, text)) area.value = text;
    area.setSelectionRange(0, 0);
    area.scrollTop = scrollTop;
  }

  area.addEventListener("input", () => { stale("checking"); draw(); });
  area.addEventListener("scroll", follow);
  document.addEventListener("click", (event) => {
    const item = event.target.closest("#findings [data-goto]")?.closest("[data-line]");
    if (!item) return;
    event.preventDefault();
    goTo(Number(item.dataset.line), Number(item.dataset.column));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "findings") return;
    const formatted = document.querySelector("#findings [data-formatted]");
    if (formatted) replace(formatted.value);
    draw();
    window.countersign.announce(document.querySelector("#findings-title").textContent.trim().replace(/\s+/g, " "));
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, () => stale("unchecked"));
  }
  draw();
})();
