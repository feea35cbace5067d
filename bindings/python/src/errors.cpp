#include "errors.hpp"

#include <unistd.h>

namespace chinwag::python {

namespace py = pybind11;

void raise(const std::string& code, const std::string& text) {
  const py::object build = py::module_::import("chinwag.errors").attr("error_for");
  const py::object raised = build(code, text);
  PyErr_SetObject(py::type::of(raised).ptr(), raised.ptr());
  throw py::error_already_set();
}

void check(const status& outcome) {
  if (!outcome) raise(error_name(outcome.code), outcome.text);
}

void take_lock(PyThreadState* kept) {
  try {
    PyEval_RestoreThread(kept);
  } catch (...) {  // nothing else is thrown: the thread is being unwound
    while (true) ::pause();
  }
}

}  // namespace chinwag::python
