// Filters: servers on the whole page, rows and details in the matrix, published figures.
{
  const onInput = (form, choose) => {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", choose);
  };

  const servers = document.querySelector("form.shown");
  const boxes = [...servers.querySelectorAll("[name=column]")];
  const languages = [...servers.querySelectorAll("[name=language]")];
  const all = boxes.map((box) => box.value);
  const usual = boxes.filter((box) => box.dataset.usual !== undefined).map((box) => box.value);
  const NOBODY = "none";
  const NAMED = 3; // more than that are counted only

  const isUsual = (columns) => columns.length === usual.length
    && usual.every((column) => columns.includes(column));

  const shownBy = (chosen) => {
    if (!chosen.has("servers")) return new Set(usual);
    const named = chosen.get("servers").split(",");
    const known = all.filter((column) => named.includes(column));
    return new Set(known.length > 0 || named.includes(NOBODY) ? known : usual);
  };

  // What fits beside each other needs no scrolling in a box of its own.
  const matrix = document.querySelector("table.matrix");
  const fit = (count = shownBy(address.chosen()).size) => {
    const fits = matrix.classList.contains("brief") && count <= Number(matrix.dataset.fits);
    matrix.parentElement.classList.toggle("whole", fits);
  };

  const showServers = (chosen) => {
    const shown = shownBy(chosen);
    for (const box of boxes) box.checked = shown.has(box.value);
    for (const language of languages) {
      const own = boxes.filter((box) => box.dataset.language === language.value);
      const checked = own.filter((box) => box.checked).length;
      language.checked = checked > 0;
      language.indeterminate = checked > 0 && checked < own.length;
    }
    for (const element of document.querySelectorAll("[data-column]")) {
      element.classList.toggle("off", !shown.has(element.dataset.column));
    }
    for (const head of document.querySelectorAll(".matrix .group th")) {
      head.colSpan = shown.size + 1;
    }
    fit(shown.size);
    const hidden = all.filter((column) => !shown.has(column));
    const few = hidden.length > 0 && hidden.length <= NAMED;
    const others = hidden.length > 0 && isUsual([...shown])
      ? ": each server's best variant" : "";
    const names = few ? `, without ${hidden.join(", ")}` : others;
    for (const output of document.querySelectorAll("output.servers")) {
      output.textContent = `${shown.size} of ${all.length} shown${names}`;
    }
  };

  const chooseServers = (columns) => {
    address.choose({ servers: isUsual(columns) ? null : columns.join(",") || NOBODY });
  };

  onInput(servers, ({ target }) => {
    if (target.name === "language") {
      const own = boxes.filter((box) => box.dataset.language === target.value);
      const wanted = own.filter((box) => usual.includes(box.value));
      for (const box of own) {
        box.checked = target.checked && (wanted.length === 0 || wanted.includes(box));
      }
    }
    chooseServers(boxes.filter((box) => box.checked).map((box) => box.value));
  });
  servers.all.addEventListener("click", () => chooseServers(all));
  servers.addEventListener("reset", (event) => {
    event.preventDefault();
    chooseServers(usual);
  });
  address.onChange(showServers);

  const rows = document.querySelector("form.rows");
  const groups = [...rows.group.options].map((option) => option.value);

  const showRows = (chosen) => {
    const group = groups.includes(chosen.get("group")) ? chosen.get("group") : "";
    const typed = chosen.get("words") ?? "";
    const words = typed.toLowerCase().split(/[\s,]+/).filter(Boolean);
    rows.group.value = group;
    if (rows.words.value !== typed) rows.words.value = typed;
    rows.rows.checked = chosen.get("rows") === "all";
    rows.cells.checked = chosen.get("cells") === "full";
    matrix.classList.toggle("brief", !rows.cells.checked);
    fit();
    // Who asks for a group or a word asks among all rows.
    const every = rows.rows.checked || group !== "" || words.length > 0;
    const found = [...matrix.querySelectorAll("tr[data-words]")];
    for (const row of found) {
      const text = row.dataset.words.toLowerCase();
      row.hidden = (!every && row.dataset.first === undefined)
        || (group !== "" && row.parentElement.dataset.group !== group)
        || !words.every((word) => text.includes(word));
    }
    for (const body of matrix.tBodies) {
      body.hidden = !body.querySelector("tr[data-words]:not([hidden])");
    }
    const count = found.filter((row) => !row.hidden).length;
    rows.querySelector("output").textContent = `${count} of ${found.length} rows shown`;
  };
  const chooseRows = (typed) => address.choose({
    group: rows.group.value,
    words: rows.words.value,
    rows: rows.rows.checked ? "all" : null,
    cells: rows.cells.checked ? "full" : null,
  }, { typed });
  onInput(rows, ({ target }) => chooseRows(target === rows.words));
  rows.addEventListener("reset", (event) => {
    event.preventDefault();
    address.choose({ group: null, words: null, rows: null, cells: null });
  });
  address.onChange(showRows);

  const verdicts = document.querySelector("form.verdicts");
  const kinds = [...verdicts.verdict.options].map((option) => option.value);
  const statements = document.querySelector("#claims");
  onInput(verdicts, () => {
    statements.open = true; // or else nothing would change that can be seen
    address.choose({ verdict: verdicts.verdict.value });
  });
  address.onChange((chosen) => {
    const wanted = kinds.includes(chosen.get("verdict")) ? chosen.get("verdict") : "";
    verdicts.verdict.value = wanted;
    for (const row of document.querySelectorAll("#figures tr[data-verdict]")) {
      row.hidden = wanted !== "" && row.dataset.verdict !== wanted;
    }
    const count = statements.querySelectorAll("tr[data-verdict]:not([hidden])").length;
    verdicts.querySelector("output").textContent = wanted === "" ? "" : `${count} statements`;
  });
}
