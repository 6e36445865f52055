"use strict";
// A page that was written stays as it is: what is due since then is said by the clock of who reads it.
for (const suite of document.querySelectorAll("[data-late]")) {
  if (Date.now() / 1000 > Number(suite.dataset.late)) {
    const badge = document.createElement("b");
    badge.className = "badge overdue";
    badge.textContent = "overdue by now, or this page is old";
    suite.querySelector("h3 .badge").after(" ", badge);
    suite.classList.add("late");
  }
}
