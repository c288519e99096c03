// Makes pages quicker; every one of them works without it.
"use strict";

const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");
document.body.append(said);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const code = button.closest("figure")?.querySelector("pre code") ?? button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.dataset.copied = "";
    said.textContent = "Copied";
    setTimeout(() => { delete button.dataset.copied; said.textContent = ""; }, 2000);
  } catch { // no permission, or no https: leave it selected, one keystroke from copied
    getSelection().selectAllChildren(code);
  }
});

// A second click on the same button would post a form whose token is spent.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => { delete form.dataset.sent; }, 3000); // the answer may have got lost
});

// The prototype's own: a hidden field named "submit" would hide the form's.
for (const form of document.querySelectorAll("form[data-auto-submit]")) HTMLFormElement.prototype.submit.call(form);
