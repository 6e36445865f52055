"use strict";
(() => {
  const form = document.getElementById("find");
  const input = form.querySelector("input");
  const button = form.querySelector("button");
  const output = form.querySelector("output");
  const results = [...document.querySelectorAll("main .r")];
  const texts = results.map((each) => each.textContent.toLowerCase());
  const groups = [...document.querySelectorAll("section > details")];
  const sections = [...document.querySelectorAll("section")];
  const cards = results.filter((each) => each.matches("article"));
  form.hidden = false;
  document.querySelector(".keys").hidden = false;

  const openAll = (open) => {
    for (const group of groups) group.open = open;
    button.textContent = open ? "Close all" : "Open all";
  };
  const filter = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    results.forEach((each, place) => {
      each.hidden = !words.every((word) => texts[place].includes(word));
      if (!each.hidden) count += 1;
    });
    for (const part of [...groups, ...sections]) part.hidden = !part.querySelector(".r:not([hidden])");
    openAll(words.length > 0);
    output.textContent = words.length > 0 ? `${count} of ${results.length}` : "";
  };
  const go = (step) => {
    const shown = cards.filter((each) => !each.hidden);
    const here = shown.indexOf(document.activeElement);
    const next = here < 0 ? (step > 0 ? 0 : shown.length - 1) : here + step;
    if (shown[next]) shown[next].focus();
  };

  input.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  button.addEventListener("click", () => openAll(button.textContent === "Open all"));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      input.value = "";
      filter();
      input.blur();
    } else if (event.target === input) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      input.focus();
    } else if (event.key === "j" || event.key === "k") {
      go(event.key === "j" ? 1 : -1);
    } else if (event.key === "o") {
      openAll(button.textContent === "Open all");
    }
  });
  // What is folded is printed too.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
