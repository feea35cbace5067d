// "Which one for my team and load?": the reader's numbers times and over measured cells.
{
  const PER_CONNECTIONS = 10000;
  const ORDER = { enough: 0, if_it_scales: 1, unknown: 2, not_enough: 3 };
  const LABELS = { enough: "enough", if_it_scales: "enough, if it scales",
    unknown: "not known", not_enough: "not enough" };
  const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const number = (value) => rounded.format(value);

  // What was carried within the asked p99, what was refused, and the highest that any hold kept.
  // Nothing is known of what lies between. The table is that of judging/advice.py.
  const lookUp = (within, p99) => {
    const [, carried, refused, seen] = within.findLast(([from]) => from <= p99);
    return { carried, refused, seen };
  };

  const coresFor = (facts, asked, measuredCores) => {
    const { carried, refused, seen } = lookUp(facts.within, asked.p99);
    const needed = carried && Math.max(1, Math.ceil(asked.deliveries * measuredCores / carried));
    const usable = facts.one_thread ? measuredCores : asked.cores;
    const scale = Math.max(1, usable / measuredCores);
    let kind = "unknown";
    if (asked.deliveries <= (carried ?? 0) && measuredCores <= asked.cores) {
      kind = "enough";
    } else if (!facts.one_thread && needed !== null && needed <= asked.cores) {
      kind = "if_it_scales";
    } else if (refused !== null && asked.deliveries >= refused * scale
      && asked.deliveries > seen * scale) {
      kind = "not_enough";
    }
    return { kind, carried, refused, needed };
  };

  const coresWhy = ({ carried, refused }) => [
    carried ? `carried ${number(carried)} deliveries/s within this p99`
      : "no rate was kept within this p99",
    refused ? `did not keep ${number(refused)}` : "",
  ].filter(Boolean).join(", ");

  const memoryFor = (facts, asked) => {
    if ([facts.empty_mb, facts.user_mb, facts.kernel_mb].includes(null)) return null;
    const scale = asked.connections / PER_CONNECTIONS;
    const [user, kernel] = [facts.user_mb * scale, facts.kernel_mb * scale];
    return { empty: facts.empty_mb, user, kernel, total: facts.empty_mb + user + kernel };
  };

  // Why the server isn't enough or can't be judged, worst first; nothing if all is measured.
  const objections = (facts, asked, cores, memory, measuredCores) => {
    const found = [];
    if (cores.kind === "not_enough") {
      const several = facts.one_thread && cores.needed > 1;
      found.push(["not_enough", several
        ? `one thread: ${number(cores.needed)} processes, with something that joins their rooms`
        : `did not keep ${number(cores.refused)} deliveries/s`]);
    }
    if (memory?.total > asked.memory) found.push(["not_enough", `${number(memory.total)} MB`]);
    if (facts.most_connections !== null && asked.connections > facts.most_connections) {
      found.push(["not_enough", `held ${number(facts.most_connections)} connections`]);
    }
    if (cores.kind === "unknown") {
      found.push(["unknown", cores.carried
        ? `not known between ${number(cores.carried)} and `
          + `${cores.refused ? number(cores.refused) : "more"} deliveries/s`
        : `no rate was kept within p99 ≤ ${number(asked.p99)} ms`]);
    }
    if (memory === null) found.push(["unknown", "memory wasn't measured"]);
    if (cores.kind === "if_it_scales") {
      found.push(["if_it_scales",
        `${number(cores.needed)} cores; measured on ${number(measuredCores)}`]);
    }
    return found;
  };

  const judge = (row, asked, measuredCores) => {
    const facts = JSON.parse(row.dataset.facts);
    const cores = coresFor(facts, asked, measuredCores);
    const memory = memoryFor(facts, asked);
    const found = objections(facts, asked, cores, memory, measuredCores);
    const kinds = ["not_enough", "unknown", "if_it_scales"];
    const kind = kinds.find((one) => found.some(([given]) => given === one)) ?? "enough";
    const reasons = found.filter(([given]) => given === kind).map(([, text]) => text);
    return { row, cores, memory, kind, reasons };
  };

  const fill = (cell, main, small) => {
    cell.textContent = main;
    if (small) cell.append(Object.assign(document.createElement("small"), { textContent: small }));
  };

  const show = ({ row, cores, memory, kind, reasons }, memoryConnections, asked) => {
    row.className = kind;
    fill(row.querySelector(".verdict"), LABELS[kind], reasons.join("; "));
    fill(row.querySelector(".cores"), cores.needed === null ? "–" : number(cores.needed), "");
    const projected = memoryConnections && asked.connections > memoryConnections;
    fill(row.querySelector(".memory"), memory ? `${number(memory.total)} MB` : "–",
      projected && memory ? "projection" : "");
    const parts = [coresWhy(cores)];
    if (memory) {
      parts.push(`${number(memory.empty)} MB empty + ${number(memory.user)} user `
        + `+ ${number(memory.kernel)} kernel`);
    }
    fill(row.querySelector(".why"), parts.join("; "), "");
  };

  const sentence = (results) => {
    const named = (kind) => results.filter((one) => one.kind === kind)
      .map((one) => one.row.dataset.name).join(", ");
    const parts = [];
    if (named("enough")) parts.push(`Enough: ${named("enough")}.`);
    if (named("if_it_scales")) {
      parts.push(`Enough if more cores carry more: ${named("if_it_scales")}.`);
    }
    if (parts.length === 0) parts.push("No server that is shown is known to be enough.");
    if (named("unknown")) parts.push(`Not known: ${named("unknown")}.`);
    return parts.join(" ");
  };

  const section = document.querySelector("#which");
  const form = section.querySelector("form");
  const table = section.querySelector("table");

  const read = () => ({
    connections: form.connections.valueAsNumber,
    deliveries: form.deliveries.valueAsNumber,
    p99: form.p99.valueAsNumber,
    memory: form.memory.valueAsNumber,
    cores: form.cores.valueAsNumber,
  });

  const FIELDS = ["connections", "deliveries", "p99", "memory", "cores"];
  const opened = form && FIELDS.map((name) => form[name].value);
  const hidden = (row) => row.classList.contains("off");

  // The numbers stand in the address in the order of the fields.
  const choose = (typed) => {
    const values = FIELDS.map((name) => form[name].value);
    const asOpened = values.every((value, place) => value === opened[place]);
    address.choose({ ask: asOpened ? null : values.join(",") }, { typed });
  };

  const restore = (chosen) => {
    const values = (chosen.get("ask") ?? "").split(",");
    const given = values.length === FIELDS.length ? values : opened;
    FIELDS.forEach((name, place) => {
      if (form[name].value !== given[place]) form[name].value = given[place];
    });
  };

  const update = () => {
    const answer = section.querySelector(".answer");
    table.classList.toggle("stale", !form.checkValidity());
    if (!form.checkValidity()) {
      const field = form.querySelector("input:invalid");
      const label = field.closest("label").firstChild.textContent.trim();
      answer.textContent = `${label}: ${field.validationMessage}`;
      return;
    }
    const asked = read();
    const measuredCores = Number(table.dataset.cores);
    const shown = [...table.tBodies[0].rows].filter((row) => !hidden(row));
    const results = shown.map((row) => judge(row, asked, measuredCores));
    const size = (one) => [ORDER[one.kind], one.cores.needed ?? Infinity,
      one.memory?.total ?? Infinity];
    results.sort((a, b) => {
      const [left, right] = [size(a), size(b)];
      const place = left.findIndex((value, index) => value !== right[index]);
      return place < 0 ? 0 : left[place] - right[place];
    });
    results.forEach((one) => show(one, Number(table.dataset.memoryConnections), asked));
    table.tBodies[0].append(...results.map((one) => one.row));
    answer.textContent = sentence(results);
  };

  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => choose(true));
    for (const button of form.querySelectorAll(".presets button")) {
      button.addEventListener("click", () => {
        form.connections.value = button.dataset.connections;
        form.deliveries.value = button.dataset.deliveries;
        choose(false);
      });
    }
    address.onChange((chosen) => {
      restore(chosen);
      update();
    });
  }
}
