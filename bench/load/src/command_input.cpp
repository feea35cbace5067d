#include "command_input.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>

namespace chinwag::load {

class command_input::waiting : public activity {
 public:
  waiting(load::crowd& crowd, command_input& input) : activity(crowd), input_(input) {}

  bool done() const override { return input_.has_line(); }
  void on_input() override { input_.read_some(); }

 private:
  command_input& input_;
};

bool command_input::begin_listening() {
  listening_ = !has_line() && crowd_.connections.watch_input(STDIN_FILENO);
  return listening_;
}

bool command_input::has_come() {
  read_some();
  if (has_line()) {
    end_listening();
  }
  return has_line();
}

void command_input::end_listening() {
  if (listening_) {
    crowd_.connections.unwatch_input(STDIN_FILENO);
  }
  listening_ = false;
}

std::optional<std::string> command_input::next() {
  end_listening();
  if (!has_line() && crowd_.connections.watch_input(STDIN_FILENO)) {
    waiting(crowd_, *this).run();
    crowd_.connections.unwatch_input(STDIN_FILENO);
  }
  while (!has_line()) {  // a file can't be watched, and need not be
    read_some();
  }
  const std::size_t end = received_.find('\n');
  if (end == std::string::npos && received_.empty()) {
    return std::nullopt;
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

void command_input::read_some() {
  std::array<char, 4096> bytes;
  const ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count > 0) {
    received_.append(bytes.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    ended_ = true;
  }
}

}  // namespace chinwag::load
