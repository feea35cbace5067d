// "Which one for my team and load?": the reader's numbers, looked up in measured cells. The rules
// are those of deciding/ (demands, merits, order), and the tests hold the two against each other.
{
  const PER_CONNECTIONS = 10000;
  const KINDS = ["enough", "if_it_scales", "unknown", "not_enough"];
  const LABELS = { enough: "enough", if_it_scales: "enough, if it scales",
    unknown: "not known", not_enough: "not enough" };
  const STEP = 1.15; // of the searches: rates that lie nearer are the same
  const LEAST = 1e-6; // stands for zero, whose logarithm there is not
  const rounded = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const number = (value) => rounded.format(value);
  const orInfinity = (value) => value ?? Infinity;

  // What was carried within the asked p99, what was refused, and the highest that any hold kept.
  // Nothing is known of what lies between. The table is that of judging/advice.py.
  const lookUp = (within, p99) => {
    const [, carried, refused, seen] = within.findLast(([from]) => from <= p99);
    return { carried, refused, seen };
  };

  const loadOf = (facts, asked, measuredCores) => {
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
    return { kind, carried, refused, seen, needed };
  };

  // Of two rates that read alike the one that was too much is more.
  const beyond = (refused, carried) => (
    carried && number(refused) === number(carried) ? "more" : number(refused)
  );

  // Medians of the rounds; a dot of the first plot may lie above them.
  const loadWhy = ({ carried, refused, seen }) => [
    carried ? `carried ${number(carried)}`
      : "no rate was kept within this p99",
    carried && seen > carried * STEP ? `in one hold ${number(seen)}` : "",
    refused ? `did not keep ${beyond(refused, carried)}` : "",
  ].filter(Boolean).join(", ");

  const loadSays = (facts, load, asked, measuredCores) => {
    if (load.kind === "not_enough") {
      return facts.one_thread && load.needed > 1
        ? `one thread: ${number(load.needed)} processes, with something that joins their rooms`
        : `did not keep ${number(load.refused)} deliveries/s`;
    }
    if (load.kind === "if_it_scales") {
      return `${number(load.needed)} cores; measured on ${number(measuredCores)}`;
    }
    if (!load.carried) return `no rate was kept within p99 ≤ ${number(asked.p99)} ms`;
    const above = load.refused ? number(load.refused) : "more";
    return `not known between ${number(load.carried)} and ${above} deliveries/s`;
  };

  // Both sides, in MB; nothing where a part was not measured.
  const memoryOf = (facts, asked) => {
    if (facts.memory === null) return null;
    const scale = asked.connections / PER_CONNECTIONS;
    const { empty, user, kernel } = facts.memory;
    const total = [0, 1].map((side) => orInfinity(empty[side])
      + scale * (orInfinity(user[side]) + orInfinity(kernel[side])));
    return { empty: empty[1], user: scale * user[1], kernel: scale * kernel[1], total };
  };

  const side = (sides, limit) => {
    if (sides === null) return "unknown";
    if (orInfinity(sides[1]) <= limit) return "enough";
    return sides[0] > limit ? "not_enough" : "unknown";
  };

  const memorySays = (memory, asked) => {
    if (memory === null) return ["unknown", "memory was not measured"];
    const [low, high] = memory.total;
    const kind = side(memory.total, asked.memory);
    const text = kind === "unknown" ? `${number(low)} to ${number(high)}` : number(high);
    return [kind, `${text} MB`];
  };

  const heldSays = (facts, asked) => {
    if (facts.held === null || facts.held[0] >= asked.connections) return ["enough", ""];
    const [held, isOpen] = facts.held;
    return isOpen ? ["if_it_scales", `held ${number(held)} connections, where the run stopped`]
      : ["not_enough", `held ${number(held)} connections`];
  };

  // [kind, words] of each need that is asked for.
  const findings = (facts, asked, load, memory, measuredCores) => {
    const found = [
      [load.kind, load.kind === "enough" ? "" : loadSays(facts, load, asked, measuredCores)],
      memorySays(memory, asked),
      heldSays(facts, asked),
    ];
    if (asked.recovery !== null) {
      found.push(...facts.recovery.map((one) => [side(one.sides, asked.recovery), one.text]));
    }
    if (asked.upgrades) found.push([facts.upgrades.kind, facts.upgrades.text]);
    if (asked.nodes) {
      found.push([facts.nodes.kind ?? side(facts.nodes.sides, asked.p99), facts.nodes.text]);
    }
    return found;
  };

  // The sum of the logarithms of what counts, with its two sides; nothing where a part is unknown.
  const costOf = (facts, asked, memory) => {
    const names = ["cpu", "p99", ...(asked.recovery === null ? [] : ["recovery"]),
      ...(asked.upgrades ? ["upgrade"] : []), ...(asked.nodes ? ["nodes"] : [])];
    const merits = names.map((name) => facts.merits[name]);
    if (memory === null || merits.includes(undefined)) return null;
    merits.push([memory.total[1], ...memory.total]);
    const log = (value) => Math.log2(Math.max(LEAST, orInfinity(value)));
    const mean = (place) => merits.reduce((sum, one) => sum + log(one[place]), 0) / merits.length;
    return { value: mean(0), low: mean(1), high: mean(2) };
  };

  // 1 for the first and for all that can't be told from it, and so on through all kinds but the
  // last: who is not enough has no place.
  const placeAll = (results) => {
    let before = 0;
    for (const kind of KINDS.slice(0, -1)) {
      const known = results.filter((one) => one.kind === kind && one.cost !== null)
        .sort((a, b) => a.cost.value - b.cost.value);
      let leader = null;
      known.forEach((one, index) => {
        if (leader === null || one.cost.low > leader.cost.high) {
          leader = one;
          one.place = before + index + 1;
        } else {
          one.place = leader.place;
        }
      });
      before += known.length;
      for (const one of known) {
        one.tied = known.filter((other) => other.place === one.place).length > 1;
      }
    }
  };

  const judge = (row, asked, measuredCores) => {
    const facts = JSON.parse(row.dataset.facts);
    const load = loadOf(facts, asked, measuredCores);
    const memory = memoryOf(facts, asked);
    const found = findings(facts, asked, load, memory, measuredCores);
    const worst = Math.max(...found.map(([kind]) => KINDS.indexOf(kind)));
    const kind = KINDS[worst];
    const reasons = kind === "enough" ? []
      : found.filter(([given]) => given === kind).map(([, text]) => text);
    return { row, load, memory, kind, reasons, cost: costOf(facts, asked, memory), place: null };
  };

  const fill = (cell, main, small) => {
    cell.textContent = main;
    if (small) cell.append(Object.assign(document.createElement("small"), { textContent: small }));
  };

  const show = (result, memoryConnections, asked) => {
    const { row, load, memory, kind, reasons, place, tied } = result;
    row.className = kind;
    fill(row.querySelector(".rank"), place === null ? "–" : `${place}${tied ? "=" : ""}`, "");
    fill(row.querySelector(".verdict"), LABELS[kind], reasons.join("; "));
    fill(row.querySelector(".cores"), load.needed === null ? "–" : number(load.needed), "");
    const cpu = JSON.parse(row.dataset.facts).merits.cpu;
    fill(row.querySelector(".cpu"), cpu ? cpu[0].toPrecision(3) : "–", "");
    const projected = memoryConnections && asked.connections > memoryConnections;
    fill(row.querySelector(".memory"), memory ? `${number(memory.total[1])} MB` : "–",
      projected && memory ? "projection" : "");
    const why = row.querySelector(".why");
    fill(why, loadWhy(load), "");
    if (memory) {
      const parts = document.createElement("span");
      parts.className = "parts";
      parts.textContent = `; ${number(memory.empty)} MB empty + ${number(memory.user)} user `
        + `+ ${number(memory.kernel)} kernel`;
      why.append(parts);
    }
  };

  // The first places answer most questions: the rest, and what memory is made of, are unfolded.
  const FIRST = 4;
  const more = document.querySelector("#which .more");
  let unfolded = false;

  const fold = (rows) => {
    const isLong = rows.length > FIRST + 2;
    const folded = isLong && !unfolded;
    rows.forEach((row, place) => { row.hidden = folded && place >= FIRST; });
    table.classList.toggle("short", folded);
    more.hidden = !isLong;
    const button = more.querySelector("button");
    button.textContent = folded ? `${rows.length - FIRST} more, and what memory is made of`
      : "Only the first places";
    button.setAttribute("aria-expanded", String(!folded));
  };

  const listed = (results) => results.map((one) => one.row.dataset.name).join(", ");

  const sentence = (results) => {
    const of = (kind) => results.filter((one) => one.kind === kind);
    const best = KINDS.slice(0, 2).find((kind) => of(kind).length > 0);
    const parts = [];
    if (!best) {
      parts.push("No server that is shown is known to be enough.");
    } else {
      const first = of(best).filter((one) => one.place === 1);
      const others = of(best).filter((one) => one.place !== 1);
      const where = best === "enough" ? "" : " of those that are enough if they scale as far";
      if (first.length > 0) {
        const come = first.length > 1 ? "are tied for the first place" : "comes first";
        parts.push(`${listed(first)} ${come}${where}.`);
      }
      if (others.length > 0) {
        const enough = best === "enough" ? "Enough, too" : "Enough, too, if so";
        parts.push(`${enough}: ${listed(others)}.`);
      }
    }
    if (of("unknown").length > 0) parts.push(`Not known: ${listed(of("unknown"))}.`);
    return parts.join(" ");
  };

  // Loopback carries what no card does; a load that needs more than one has to be told.
  const sayNetwork = (gbit, card) => {
    const hint = section.querySelector(".network");
    hint.hidden = gbit <= card;
    const times = `${number(gbit / card)} times what a card of ${number(card)} Gbit/s carries`;
    hint.textContent = "Measured over loopback: on a network this load takes "
      + `${number(gbit)} Gbit/s in frames of ${table.dataset.frame} bytes, ${times}.`;
  };

  const section = document.querySelector("#which");
  const form = section.querySelector("form");
  const table = section.querySelector("table");

  const FIELDS = ["connections", "deliveries", "p99", "memory", "cores", "recovery", "upgrades",
    "nodes", "language"];
  const valueOf = (name) => (form[name].type === "checkbox" ? String(Number(form[name].checked))
    : form[name].value);
  const setValue = (name, value) => {
    if (valueOf(name) === value) return;
    if (form[name].type === "checkbox") form[name].checked = value === "1";
    else form[name].value = value;
  };
  const opened = form && FIELDS.map(valueOf);
  const hidden = (row) => row.classList.contains("off");

  const read = () => ({
    connections: form.connections.valueAsNumber,
    deliveries: form.deliveries.valueAsNumber,
    p99: form.p99.valueAsNumber,
    memory: form.memory.valueAsNumber,
    cores: form.cores.valueAsNumber,
    recovery: form.recovery.value === "" ? null : form.recovery.valueAsNumber,
    upgrades: form.upgrades.checked,
    nodes: form.nodes.checked,
    language: form.language.value,
  });

  // The numbers stand in the address in the order of the fields.
  const choose = (typed) => {
    const values = FIELDS.map(valueOf);
    const asOpened = values.every((value, place) => value === opened[place]);
    address.choose({ ask: asOpened ? null : values.join(",") }, { typed });
  };

  const restore = (chosen) => {
    const values = (chosen.get("ask") ?? "").split(",");
    const given = values.length === FIELDS.length ? values : opened;
    FIELDS.forEach((name, place) => setValue(name, given[place]));
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
    const rows = [...table.tBodies[0].rows];
    const spoken = (row) => ["", row.dataset.language].includes(asked.language);
    rows.forEach((row) => { row.hidden = !spoken(row); });
    const shown = rows.filter((row) => !hidden(row) && spoken(row));
    const results = shown.map((row) => judge(row, asked, measuredCores));
    placeAll(results);
    const size = (one) => [KINDS.indexOf(one.kind), one.place ?? Infinity,
      one.memory?.total[1] ?? Infinity];
    results.sort((a, b) => {
      const [left, right] = [size(a), size(b)];
      const place = left.findIndex((value, index) => value !== right[index]);
      return place < 0 ? 0 : left[place] - right[place];
    });
    results.forEach((one) => show(one, Number(table.dataset.memoryConnections), asked));
    table.tBodies[0].append(...results.map((one) => one.row));
    fold(results.map((one) => one.row));
    answer.textContent = sentence(results);
    sayNetwork(asked.deliveries * Number(table.dataset.gbit), Number(table.dataset.card));
  };

  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => choose(true));
    more.querySelector("button").addEventListener("click", () => {
      unfolded = !unfolded;
      update();
    });
    for (const button of form.querySelectorAll(".presets button")) {
      button.addEventListener("click", () => {
        const fields = JSON.parse(button.dataset.fields);
        for (const name of FIELDS) {
          const value = fields[name];
          setValue(name, typeof value === "boolean" ? String(Number(value)) : String(value));
        }
        choose(false);
      });
    }
    address.onChange((chosen) => {
      restore(chosen);
      update();
    });
  }
}
