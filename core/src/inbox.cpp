#include "inbox.hpp"

#include <utility>

namespace chinwag {

bool inbox::put(task wanted, bool& first) {
  const std::lock_guard locked(guard_);
  if (!open_) return false;
  first = tasks_.empty();
  tasks_.push_back(std::move(wanted));
  return true;
}

void inbox::open() {
  const std::lock_guard locked(guard_);
  open_ = true;
}

void inbox::run() {
  for (const task& wanted : take(false)) wanted();
}

void inbox::close() {
  for (const task& wanted : take(true)) wanted();
}

std::vector<inbox::task> inbox::take(bool last) {
  const std::lock_guard locked(guard_);
  if (last) open_ = false;
  return std::exchange(tasks_, {});
}

}  // namespace chinwag
