// Filters: servers everywhere below their form, rows in the matrix, published figures.
{
  // A reset is told before the fields have their old values back.
  const onChange = (form, apply) => {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", apply);
    form.addEventListener("reset", () => setTimeout(apply));
  };

  const servers = document.querySelector("form.shown");
  const showServers = () => {
    const languages = new Set([...servers.querySelectorAll("[name=language]:checked")]
      .map((box) => box.value));
    const boxes = [...servers.querySelectorAll("[name=column]")];
    const shown = new Set(boxes
      .filter((box) => box.checked && languages.has(box.dataset.language))
      .map((box) => box.value));
    for (const element of document.querySelectorAll("[data-column]")) {
      element.classList.toggle("off", !shown.has(element.dataset.column));
    }
    for (const head of document.querySelectorAll(".matrix .group th")) {
      head.colSpan = shown.size + 1;
    }
    for (const output of document.querySelectorAll("output.servers")) {
      output.textContent =
        shown.size < boxes.length ? `${shown.size} of ${boxes.length} servers shown` : "";
    }
  };
  onChange(servers, showServers);

  const rows = document.querySelector("form.rows");
  const showRows = () => {
    const words = rows.words.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const all = [...document.querySelectorAll(".matrix tr[data-words]")];
    for (const row of all) {
      const text = row.dataset.words.toLowerCase();
      const group = row.parentElement.dataset.group;
      row.hidden = (rows.group.value !== "" && group !== rows.group.value)
        || !words.every((word) => text.includes(word));
    }
    for (const body of document.querySelectorAll(".matrix tbody")) {
      body.hidden = !body.querySelector("tr[data-words]:not([hidden])");
    }
    const count = all.filter((row) => !row.hidden).length;
    rows.querySelector("output").textContent =
      count < all.length ? `${count} of ${all.length} rows shown` : "";
  };
  onChange(rows, showRows);

  const verdicts = document.querySelector("form.verdicts");
  onChange(verdicts, () => {
    const wanted = verdicts.verdict.value;
    for (const row of document.querySelectorAll("#figures tr[data-verdict]")) {
      row.hidden = wanted !== "" && row.dataset.verdict !== wanted;
    }
  });
}
