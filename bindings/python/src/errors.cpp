#include "errors.hpp"

namespace chinwag::python {

namespace py = pybind11;

namespace {

py::object error_class() {
  return py::module_::import("chinwag._chinwag").attr("ChinwagError");
}

}  // namespace

void add_errors(py::module_& module) {
  py::dict members;
  members["__doc__"] = "What went wrong, in words; `code` has the core's name for it.";
  members["__module__"] = "chinwag";
  const py::object type = py::module_::import("builtins").attr("type");
  const py::object base = py::module_::import("builtins").attr("RuntimeError");
  module.attr("ChinwagError") = type("ChinwagError", py::make_tuple(base), members);
}

void check(const status& outcome) {
  if (outcome) return;
  const py::object raised = error_class()(outcome.text);
  raised.attr("code") = error_name(outcome.code);
  PyErr_SetObject(error_class().ptr(), raised.ptr());
  throw py::error_already_set();
}

}  // namespace chinwag::python
