#include "convert.hpp"

#include <string>
#include <string_view>

#include "errors.hpp"

namespace chinwag::python {

namespace py = pybind11;

namespace {

py::str text_of(std::string_view text) {
  return {text.data(), text.size()};
}

// True and False are spelled as the core's option files spell them.
std::string option_text(const py::handle& value) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>() ? "true" : "false";
  return py::str(value).cast<std::string>();
}

decision read_decision(const py::tuple& given) {
  decision one;
  one.about = {connection_handle{given[0].cast<std::uint64_t>()}, given[1].cast<std::uint64_t>()};
  one.outcome.what = static_cast<verdict::kind>(given[2].cast<int>());
  if (one.outcome.what == verdict::kind::accept) return one;
  one.outcome.text = given[3].cast<std::string>();
  const auto code = given[4].cast<std::string_view>();
  if (one.outcome.what == verdict::kind::refuse && !find_refusal(code, one.outcome.code)) {
    raise("bad_refusal", "no refusal is called '" + std::string(code) +
                             "': give forbidden, rate_limited, unavailable or bad_request");
  }
  return one;
}

}  // namespace

options read_options(const py::dict& given) {
  options settings;
  for (const auto& [name, value] : given) {
    check(set_option(settings, name.cast<std::string>(), option_text(value)));
  }
  check(validate(settings));
  return settings;
}

event_choice read_choice(const py::iterable& names) {
  event_choice wanted;
  for (const py::handle& name : names) {
    const auto text = name.cast<std::string_view>();
    wanted.open = wanted.open || text == "open";
    wanted.join = wanted.join || text == "join";
    wanted.message = wanted.message || text == "message";
    wanted.close = wanted.close || text == "close";
  }
  return wanted;
}

py::list to_list(std::span<const event> events) {
  py::list list(events.size());
  std::size_t at = 0;
  for (const event& one : events) {
    list[at++] = py::make_tuple(
        static_cast<int>(one.kind), static_cast<std::uint64_t>(one.ticket.from), one.ticket.number,
        text_of(one.user), text_of(one.room), text_of(one.content), one.code);
  }
  return list;
}

std::vector<decision> read_decisions(const py::list& given) {
  std::vector<decision> decisions;
  decisions.reserve(given.size());
  for (const py::handle& one : given) {
    decisions.push_back(read_decision(py::reinterpret_borrow<py::tuple>(one)));
  }
  return decisions;
}

py::dict to_dict(const stats& counted) {
  py::dict named;
  for (const named_count& one : name_counts(counted)) {
    if (one.kind == nullptr) {
      named[one.name] = one.value;
      continue;
    }
    if (!named.contains(one.name)) named[one.name] = py::dict();
    named[one.name][one.kind] = one.value;
  }
  return named;
}

}  // namespace chinwag::python
