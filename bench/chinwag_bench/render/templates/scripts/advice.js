// "Which one for my team and load?": the reader's numbers times and over measured cells.
{
  const PER_CONNECTIONS = 10000;
  const ORDER = { yes: 0, maybe: 1, no: 2, unknown: 3, foreign: 4 };
  const LABELS = { yes: "enough", maybe: "enough, if it scales", no: "not enough",
    unknown: "not known", foreign: "" };
  const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const number = (value) => rounded.format(value);

  // The highest load seen with the asked p99, and how many cores that makes.
  const coresFor = (facts, asked, measuredCores) => {
    const kept = facts.loads.filter(([, p99]) => p99 <= asked.p99);
    if (kept.length === 0) return null;
    const [rate, p99, where] = kept.at(-1);
    const perCore = rate / measuredCores;
    return { count: Math.max(1, Math.ceil(asked.deliveries / perCore)), perCore, p99, where };
  };

  const memoryFor = (facts, asked) => {
    if ([facts.empty_mb, facts.user_mb, facts.kernel_mb].includes(null)) return null;
    const scale = asked.connections / PER_CONNECTIONS;
    const [user, kernel] = [facts.user_mb * scale, facts.kernel_mb * scale];
    return { empty: facts.empty_mb, user, kernel, total: facts.empty_mb + user + kernel };
  };

  // Why the server isn't enough or can't be judged, worst first; nothing if all is measured.
  const objections = (facts, asked, cores, memory, measuredCores) => {
    const found = [];
    if (cores === null) found.push(["unknown", `no load with p99 ≤ ${number(asked.p99)} ms`]);
    if (memory === null) found.push(["unknown", "memory wasn't measured"]);
    if (cores?.count > asked.cores) found.push(["no", `${number(cores.count)} cores`]);
    if (memory?.total > asked.memory) found.push(["no", `${number(memory.total)} MB`]);
    if (facts.most_connections !== null && asked.connections > facts.most_connections) {
      found.push(["no", `held ${number(facts.most_connections)} connections`]);
    }
    if (cores?.count > measuredCores) {
      found.push(["maybe", `${number(cores.count)} cores; measured on ${number(measuredCores)}`]);
    }
    return found;
  };

  const judge = (row, asked, measuredCores) => {
    const facts = JSON.parse(row.dataset.facts);
    const cores = coresFor(facts, asked, measuredCores);
    const memory = memoryFor(facts, asked);
    const found = objections(facts, asked, cores, memory, measuredCores);
    const kinds = ["no", "unknown", "maybe"];
    const kind = kinds.find((one) => found.some(([given]) => given === one)) ?? "yes";
    const reasons = found.filter(([given]) => given === kind).map(([, text]) => text);
    const known = asked.languages.has(row.dataset.language);
    return { row, cores, memory, kind, reasons, known, group: known ? kind : "foreign" };
  };

  const fill = (cell, main, small) => {
    cell.textContent = main;
    if (small) cell.append(Object.assign(document.createElement("small"), { textContent: small }));
  };

  const show = ({ row, cores, memory, kind, reasons, known }, memoryConnections, asked) => {
    row.className = known ? kind : "foreign";
    const tongue = known ? [] : [`written in ${row.dataset.language}`];
    fill(row.querySelector(".verdict"), LABELS[kind], [...tongue, ...reasons].join("; "));
    fill(row.querySelector(".cores"), cores ? number(cores.count) : "–", "");
    const projected = memoryConnections && asked.connections > memoryConnections;
    fill(row.querySelector(".memory"), memory ? `${number(memory.total)} MB` : "–",
      projected && memory ? "projection" : "");
    const parts = [];
    if (cores) {
      parts.push(`${number(cores.perCore)} deliveries/s a core at p99 `
        + `≤ ${number(cores.p99)} ms (${cores.where})`);
    }
    if (memory) {
      parts.push(`${number(memory.empty)} MB empty + ${number(memory.user)} user `
        + `+ ${number(memory.kernel)} kernel`);
    }
    fill(row.querySelector(".why"), parts.join("; "), "");
  };

  const sentence = (results) => {
    const named = (kind) => results.filter((one) => one.group === kind)
      .map((one) => one.row.dataset.name).join(", ");
    const parts = [];
    if (named("yes")) parts.push(`Enough: ${named("yes")}.`);
    if (named("maybe")) parts.push(`Enough if more cores carry more: ${named("maybe")}.`);
    if (parts.length === 0) parts.push("No server that was measured is known to be enough.");
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
    languages: new Set([...form.querySelectorAll("[name=language]:checked")]
      .map((box) => box.value)),
  });

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
    const results = [...table.tBodies[0].rows].map((row) => judge(row, asked, measuredCores));
    const size = (one) => [ORDER[one.group], one.cores?.count ?? Infinity,
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
    form.addEventListener("input", update);
    for (const button of form.querySelectorAll(".presets button")) {
      button.addEventListener("click", () => {
        form.connections.value = button.dataset.connections;
        form.deliveries.value = button.dataset.deliveries;
        update();
      });
    }
    update();
  }
}
