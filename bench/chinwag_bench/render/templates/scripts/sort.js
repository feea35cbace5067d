// Sorting. What wasn't measured has an empty key and stays last, whichever way it goes.
{
  const byKey = (direction) => (a, b) => {
    if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
    const order = a.isText ? a.key.localeCompare(b.key) : Number(a.key) - Number(b.key);
    return direction === "ascending" ? order : -order;
  };
  const bestFirst = (better) => (better === "higher" ? "descending" : "ascending");
  const OTHER = { ascending: "descending", descending: "ascending" };

  // A heading sorts the rows below it, the best first, and then the other way.
  const table = document.querySelector("table.sortable");
  const heads = [...table.tHead.rows[0].cells];
  const opened = heads.findIndex((head) => head.hasAttribute("aria-sort"));
  const DIRECTIONS = Object.keys(OTHER);

  const sortRows = (chosen) => {
    const [name, given] = (chosen.get("sort") ?? "").split(":");
    const named = heads.findIndex((head) => head.dataset.key === name);
    const column = named < 0 ? opened : named;
    if (column < 0) return;
    const best = bestFirst(heads[column].dataset.better);
    const direction = named >= 0 && DIRECTIONS.includes(given) ? given : best;
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", direction);
    const entries = [...table.tBodies[0].rows].map((row) => (
      { row, key: row.cells[column].dataset.sort, isText: column === 0 }));
    table.tBodies[0].append(...entries.sort(byKey(direction)).map((entry) => entry.row));
  };

  for (const head of heads) {
    head.querySelector("button").addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const direction = before ? OTHER[before] : bestFirst(head.dataset.better);
      const asOpened = head === heads[opened] && direction === bestFirst(head.dataset.better);
      address.choose({ sort: asOpened ? null : `${head.dataset.key}:${direction}` });
    });
  }
  address.onChange(sortRows);

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

  const sortServers = (chosen) => {
    matrix.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
    const named = [...matrix.querySelectorAll("tr[data-row]")]
      .find((row) => row.dataset.row === chosen.get("by"));
    if (!named) return arrange(original);
    const direction = bestFirst(named.dataset.better);
    named.cells[0].setAttribute("aria-sort", direction);
    const cells = [...named.querySelectorAll("[data-column]")];
    const entries = original.map((column) => (
      { column, key: cells.find((cell) => cell.dataset.column === column).dataset.sort }));
    return arrange(entries.sort(byKey(direction)).map((entry) => entry.column));
  };

  for (const button of matrix.querySelectorAll("tbody th button")) {
    const row = button.closest("tr");
    button.addEventListener("click", () => address.choose({
      by: row.cells[0].hasAttribute("aria-sort") ? null : row.dataset.row,
    }));
  }
  address.onChange(sortServers);
}
