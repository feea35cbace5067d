// What is folded: a link to it opens it, paper shows all of it.
{
  const reveal = (place) => {
    const target = place === "" ? null : document.getElementById(place);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    const inside = target.querySelector(":scope > details");
    const isFold = target.tagName === "FORM" || inside?.classList.contains("part");
    if (isFold && inside) inside.open = true;
    target.scrollIntoView();
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  };

  for (const link of document.querySelectorAll("a[href^='#']")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      address.goTo(link.getAttribute("href").slice(1));
      reveal(address.place());
    });
  }

  // Paper can't be clicked.
  const matrix = document.querySelector("table.matrix");
  let undo = [];
  addEventListener("beforeprint", () => {
    const folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((details) => { details.open = true; });
    const hidden = [...matrix.querySelectorAll("[hidden]")];
    hidden.forEach((row) => { row.hidden = false; });
    const brief = matrix.classList.contains("brief");
    matrix.classList.remove("brief");
    undo.push(() => {
      folded.forEach((details) => { details.open = false; });
      hidden.forEach((row) => { row.hidden = true; });
      matrix.classList.toggle("brief", brief);
    });
  });
  addEventListener("afterprint", () => {
    undo.forEach((back) => back());
    undo = [];
  });

  address.apply();
  reveal(address.place());
}
