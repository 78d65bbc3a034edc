// Paper is light and has nothing to click: before printing the theme becomes light and all that is
// folded opens (code, answers, solutions); afterwards everything is as it was.
(() => {
  let undo = [];
  addEventListener("beforeprint", () => {
    const root = document.documentElement, theme = root.dataset.theme;
    root.dataset.theme = "light";
    undo = [() => { root.dataset.theme = theme; }];
    for (const folded of document.querySelectorAll(".bd-article details:not([open])")) {
      folded.open = true;
      undo.push(() => { folded.open = false; });
    }
    for (const folded of document.querySelectorAll(".bd-article .toggle-hidden")) {
      folded.classList.remove("toggle-hidden");
      undo.push(() => folded.classList.add("toggle-hidden"));
    }
  });
  addEventListener("afterprint", () => undo.splice(0).forEach(step => step()));
})();
