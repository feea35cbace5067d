#include <pybind11/pybind11.h>

#include <chrono>

#include "chinwag/server.hpp"
#include "chinwag/version.hpp"
#include "errors.hpp"
#include "stats.hpp"

namespace py = pybind11;

namespace chinwag::python {

namespace {

options read_options(const py::kwargs& given) {
  options settings;
  for (const auto& [name, value] : given) {
    // True and False are spelled as the core's option files spell them.
    const std::string text = py::isinstance<py::bool_>(value)
                                 ? (value.cast<bool>() ? "true" : "false")
                                 : py::str(value).cast<std::string>();
    check(set_option(settings, name.cast<std::string>(), text));
  }
  check(validate(settings));
  return settings;
}

// A running server; the shard has a thread of its own and never takes the interpreter's lock.
class hosted {
 public:
  explicit hosted(const py::kwargs& given) : server_(read_options(given)) {
    const listen_result listening = server_.listen();
    check(listening.outcome);
    port_ = listening.port;
    check(server_.run_in_background());
  }

  std::uint16_t port() const { return port_; }
  py::dict read_stats() const { return to_dict(server_.read_stats()); }

  void drain(double deadline_s) {
    const py::gil_scoped_release unlocked;
    server_.drain(std::chrono::milliseconds(static_cast<std::int64_t>(deadline_s * 1000)));
    server_.join();
  }

 private:
  server server_;
  std::uint16_t port_ = 0;
};

}  // namespace

}  // namespace chinwag::python

PYBIND11_MODULE(_chinwag, module) {
  using chinwag::python::hosted;
  module.doc() = "The core of chinwag, native.";
  module.attr("__version__") = CHINWAG_VERSION;
  chinwag::python::add_errors(module);
  py::class_<hosted>(module, "Hosted")
      .def(py::init<const py::kwargs&>())
      .def_property_readonly("port", &hosted::port)
      .def("stats", &hosted::read_stats)
      .def("drain", &hosted::drain, py::arg("deadline_s"));
}
