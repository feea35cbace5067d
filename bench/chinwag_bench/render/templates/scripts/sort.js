// Sorting. What wasn't measured has an empty key and stays last, whichever way it goes.
{
  const byKey = (direction) => (a, b) => {
    if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
    const order = a.isText ? a.key.localeCompare(b.key) : Number(a.key) - Number(b.key);
    return direction === "ascending" ? order : -order;
  };

  // A heading sorts the rows below it, up and then down.
  const sortRows = (table, column) => {
    const heads = [...table.tHead.rows[0].cells];
    const before = heads[column].getAttribute("aria-sort");
    const direction = before === "ascending" ? "descending" : "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", direction);
    const body = table.tBodies[0];
    const entries = [...body.rows].map((row) => (
      { row, key: row.cells[column].dataset.sort, isText: column === 0 }));
    body.append(...entries.sort(byKey(direction)).map((entry) => entry.row));
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) =>
      head.querySelector("button").addEventListener("click", () => sortRows(table, column)));
  }

  // A row's name sorts the servers, the best first; a second time gives back the order they had.
  const matrix = document.querySelector("table.matrix");
  const original = [...matrix.tHead.rows[0].querySelectorAll("[data-column]")]
    .map((head) => head.dataset.column);

  const arrange = (order) => {
    for (const row of matrix.rows) {
      const cells = new Map([...row.querySelectorAll(":scope > [data-column]")]
        .map((cell) => [cell.dataset.column, cell]));
      if (cells.size > 0) row.append(...order.map((column) => cells.get(column)));
    }
  };

  const sortServers = (row) => {
    const head = row.cells[0];
    const again = head.hasAttribute("aria-sort");
    matrix.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    if (again) return arrange(original);
    const direction = row.dataset.better === "higher" ? "descending" : "ascending";
    head.setAttribute("aria-sort", direction);
    const cells = [...row.querySelectorAll("[data-column]")];
    const entries = original.map((column) => (
      { column, key: cells.find((cell) => cell.dataset.column === column).dataset.sort }));
    return arrange(entries.sort(byKey(direction)).map((entry) => entry.column));
  };

  for (const button of matrix.querySelectorAll("tbody th button")) {
    button.addEventListener("click", () => sortServers(button.closest("tr")));
  }
}
