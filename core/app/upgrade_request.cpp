#include "upgrade_request.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>

namespace chinwagd {

namespace {

namespace files = std::filesystem;
using namespace std::chrono_literals;

// A successor may take long to greet, to watch all connections, and to read the state.
constexpr auto patience = 30s;
// The state of a listening socket in /proc/net/tcp.
constexpr std::string_view listening = "0A";

files::path folder_of(pid_t process) {
  return files::path("/proc") / std::to_string(process);
}

// A value of /proc/N/status; empty without it.
std::string status_of(pid_t process, std::string_view name) {
  std::ifstream lines(folder_of(process) / "status");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    const std::size_t begin = line.find_first_not_of(" \t", name.size());
    return begin == line.npos ? "" : line.substr(begin);
  }
  return "";
}

// Nobody may have taken note of its end yet.
bool has_ended(pid_t process) {
  if (::kill(process, 0) != 0) return true;
  const std::string state = status_of(process, "State:");
  return state.starts_with('Z') || state.starts_with('X');
}

// Servers of this kind have a thread for the signal, which it would end any other process by.
bool waits_for_requests(pid_t process) {
  std::error_code gone;
  files::directory_iterator at(folder_of(process) / "task", gone);
  for (const files::directory_iterator end; !gone && at != end; at.increment(gone)) {
    std::ifstream thread(at->path() / "comm");
    std::string name;
    if (std::getline(thread, name) && name == upgrader_thread) return true;
  }
  return false;
}

using inodes = std::set<std::string>;

void add_listening(const files::path& table, inodes& to) {
  std::ifstream lines(table);
  std::string line;
  std::getline(lines, line);  // the head
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string word;
    std::string state;
    for (int place = 0; place < 10 && words >> word; ++place) {
      if (place == 3) state = word;
    }
    if (state == listening) to.insert("socket:[" + word + "]");
  }
}

// Nothing of a process whose descriptors can't be seen: another user's, or one with privileges.
std::optional<inodes> sockets_of(const files::path& process) {
  std::error_code gone;
  files::directory_iterator at(process / "fd", gone);
  if (gone) return std::nullopt;
  inodes found;
  for (const files::directory_iterator end; !gone && at != end; at.increment(gone)) {
    const std::string target = files::read_symlink(at->path(), gone).string();
    if (target.starts_with("socket:")) found.insert(target);
  }
  return found;
}

std::optional<inodes> listening_sockets_of(pid_t process) {
  const std::optional<inodes> open = sockets_of(folder_of(process));
  if (!open) return std::nullopt;
  inodes all;
  for (const char* const table : {"net/tcp", "net/tcp6"}) {
    add_listening(folder_of(process) / table, all);
  }
  inodes own;
  std::ranges::set_intersection(*open, all, std::inserter(own, own.begin()));
  return own;
}

// The process that has one of these sockets, empty if there is none that can be seen.
std::string holder_of(const inodes& sockets) {
  std::error_code failed;
  for (const files::directory_entry& one : files::directory_iterator("/proc", failed)) {
    const std::string name = one.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    inodes shared;
    std::ranges::set_intersection(sockets_of(one.path()).value_or(inodes{}), sockets,
                                  std::inserter(shared, shared.begin()));
    if (!shared.empty()) return name;
  }
  return "";
}

int refuse(pid_t server, const std::string& why) {
  std::cerr << "chinwagd: process " << server << why << "\n";
  return 1;
}

}  // namespace

int ask_for_upgrade(pid_t server) {
  if (::kill(server, 0) != 0) return refuse(server, std::string(": ") + std::strerror(errno));
  if (!waits_for_requests(server)) {
    return refuse(server, " is no chinwagd that can be upgraded: it was left alone");
  }
  const std::optional<inodes> sockets = listening_sockets_of(server);
  if (sockets && sockets->empty()) {
    return refuse(server, " listens no more, as one that drains: it was left alone");
  }
  if (::kill(server, SIGUSR2) != 0) return refuse(server, std::string(": ") + std::strerror(errno));
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!has_ended(server)) {
    if (std::chrono::steady_clock::now() > deadline) {
      return refuse(server, " goes on as before: its log says why");
    }
    std::this_thread::sleep_for(5ms);
  }
  const std::string successor = sockets ? holder_of(*sockets) : "";
  if (successor.empty() && sockets) {
    return refuse(server, " has ended, and nobody took over: its log says why");
  }
  std::cout << "process " << server << " has handed over to its successor"
            << (successor.empty() ? "" : ", process " + successor) << "\n";
  return 0;
}

}  // namespace chinwagd
