"use strict";
// Comfort only: every page works without this file.
(() => {
  const root = document.documentElement;
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private mode keeps nothing */ } };
  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  if (kept()) root.dataset.theme = kept();

  const toggle = () => {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (isDark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    keep(root.dataset.theme);
  };
  const nav = document.querySelector("header nav");
  if (nav) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "light / dark";
    button.addEventListener("click", toggle);
    nav.append(" ", button);
  }

  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(location.href); button.textContent = "copied"; }
      catch { button.textContent = location.href; }
    });
  }

  // The value of a token under the finger or the pointer, where a title is not shown.
  const told = document.createElement("output");
  told.className = "told";
  told.hidden = true;
  document.body.append(told);
  document.addEventListener("click", (event) => {
    const token = event.target.closest(".win i[title]");
    told.hidden = !token;
    if (token) told.textContent = `${token.textContent.trim() || "␣"}: ${token.title}`;
  });

  const follow = (selector) => { const link = document.querySelector(selector); if (link) link.click(); };
  const step = (by) => {
    const links = [...document.querySelectorAll("table.rows tbody th a")];
    const next = links[links.indexOf(document.activeElement) + by];
    if (next) next.focus();
  };
  const keys = {
    "/": () => document.querySelector("#q")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    n: () => follow("a[rel=next]"),
    p: () => follow("a[rel=prev]"),
    t: toggle,
    y: () => follow("button[value=yes]"),
    x: () => follow("button[value=no]"),
    "?": () => follow("button[value=unsure]"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
})();
