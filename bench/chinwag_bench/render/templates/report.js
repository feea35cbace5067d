"use strict";
// Sorting: numbers by data-sort; what wasn't measured stays last in both directions.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const ascending = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.sort;
    const compare = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const order = column === 0 ? key(a).localeCompare(key(b)) : Number(key(a)) - Number(key(b));
      return ascending ? order : -order;
    };
    body.append(...[...body.rows].sort(compare));
  }));
}
