#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace simulation {

enum class action_kind : std::uint8_t {
  connect,  // client, bytes that its socket takes before the server must wait
  raw,      // client, text: bytes as they are
  frame,    // client, a: first byte, b: mask key, text: payload
  fin,      // client: the end of its stream, it reads on
  vanish,   // client: it closes its socket
  reset,    // client, a: what was not received yet is lost
  reader,   // client, a: bytes that it reads after each turn
  manners,  // client, a: 1 answers pings, 2 answers closes
  turn,     // a: seed, b: microseconds that the shard may sleep
  pass,     // a: microseconds in which the process does not run
  clock,    // a: milliseconds that the Unix clock steps, plus a day
  decide,   // a: which, b: how
  publish,  // texts: room, user, content
  send_to,  // texts: user, sender, content
  send,     // client, texts: content
  kick,     // client, a: code
  settle,   // a: seed; everybody reads and the server comes to rest
  drain,    // the program does, and clients go on
  stop,
  hand_over,  // to a successor, another shard
  present,    // descriptors go ahead to it
  end,        // a: 0 all vanish, 1 drain, 2 stop, 3 silence
};

struct action {
  action_kind kind{};
  std::uint32_t client = 0;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::vector<std::string> texts{};

  bool operator==(const action&) const = default;
};

// A run: settings by name, then actions.
struct script {
  std::map<std::string, std::string> settings;
  std::vector<action> actions;
};

std::string write_script(const script& run);
std::string write_action(const action& one);

// False with what is wrong in `problem`.
bool read_script(std::string_view text, script& run, std::string& problem);

}  // namespace simulation
