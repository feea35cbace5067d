#include <pybind11/pybind11.h>

#include "chinwag/version.hpp"
#include "convert.hpp"
#include "hosted.hpp"

namespace py = pybind11;

namespace chinwag::python {

namespace {

// (name, type as text, help) of every option.
py::list list_options() {
  const options defaults;
  py::list list;
  for (const option_info& one : option_list()) {
    list.append(py::make_tuple(one.name, get_option(defaults, one.name), one.help));
  }
  return list;
}

py::list list_errors() {
  py::list list;
  for (const error code : error_list()) list.append(error_name(code));
  return list;
}

}  // namespace

}  // namespace chinwag::python

// Free-threaded builds may run it without the lock: every object here guards itself.
PYBIND11_MODULE(_chinwag, module, py::mod_gil_not_used(),
                py::multiple_interpreters::not_supported()) {
  using namespace chinwag::python;
  module.doc() = "The core of chinwag, native.";
  module.attr("__version__") = CHINWAG_VERSION;
  module.def("check_options", [](const py::dict& given) { read_options(given); });
  module.def("list_options", &list_options);
  module.def("list_errors", &list_errors);
  // A development server may load the package's modules anew: a class is registered once.
  if (const py::handle known = py::detail::get_type_handle(typeid(hosted), false)) {
    module.attr("Hosted") = known;
    return;
  }
  py::class_<hosted>(module, "Hosted")
      .def(py::init([](const py::dict& given, const py::iterable& wanted) {
        return std::make_unique<hosted>(given, read_choice(wanted));
      }))
      .def("start", &hosted::start)
      .def("stop", &hosted::stop)
      .def("stop_accepting", &hosted::stop_accepting)
      .def("drain", &hosted::drain)
      .def("has_ended", &hosted::has_ended)
      .def("wake_fd", &hosted::wake_fd)
      .def("take", &hosted::take)
      .def("has_more", &hosted::has_more)
      .def("decide", &hosted::decide)
      .def("take_logs", &hosted::take_logs)
      .def("publish", &hosted::publish)
      .def("send_to", &hosted::send_to)
      .def("send", &hosted::send)
      .def("close", &hosted::close)
      .def("rooms", &hosted::rooms)
      .def("members", &hosted::members)
      .def("stats", &hosted::read_stats);
}
