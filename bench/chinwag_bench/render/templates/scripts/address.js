// What the reader chose stands in the page's address, behind a place: #matrix?servers=go,rust
// So a link shares it, and the back button takes it back.
const address = (() => {
  const listeners = [];

  const read = () => {
    const [place, query = ""] = location.hash.slice(1).split("?");
    return { place, chosen: new URLSearchParams(query) };
  };

  const hash = (place, chosen) => {
    const query = chosen.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    return `#${place}${query ? `?${query}` : ""}`;
  };

  const apply = () => {
    const { chosen } = read();
    listeners.forEach((listener) => listener(chosen));
  };

  // Null, or nothing, is what the page opens with. What is typed replaces the entry in the
  // history, or each letter would be one.
  const choose = (changes, { typed = false } = {}) => {
    const { place, chosen } = read();
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") chosen.delete(name);
      else chosen.set(name, value);
    }
    const wanted = hash(place, chosen);
    if (wanted !== (location.hash || "#")) {
      history[typed ? "replaceState" : "pushState"](null, "", wanted);
    }
    apply();
  };

  const goTo = (place) => history.pushState(null, "", hash(place, read().chosen));

  addEventListener("popstate", apply);
  addEventListener("hashchange", apply);

  return {
    choose,
    goTo,
    apply,
    place: () => read().place,
    chosen: () => read().chosen,
    onChange: (listener) => listeners.push(listener),
  };
})();
