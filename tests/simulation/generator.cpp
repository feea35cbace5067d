#include "generator.hpp"

#include <algorithm>
#include <cstdio>

#include "wire.hpp"

namespace simulation {

namespace {

const std::vector<std::string> users{
    "ann",
    "bob",
    "\\",
    "\"",
    "\xF0\x9F\x98\x80 x",
    "server",
    "6666666666666666666666666666666666666666666666666666666666666666"};

std::string percent(const std::string& plain) {
  std::string out;
  char hex[8];
  for (const char c : plain) {
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    out += hex;
  }
  return out;
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

}  // namespace

std::map<std::string, std::string> generator::draw_settings(std::uint64_t seed) {
  std::map<std::string, std::string> settings{{"seed", number(seed)}};
  draw_server(settings);
  draw_program(settings);
  static const std::vector<std::uint64_t> often{0, 20, 200, 600};
  settings["kernel.short_receive"] = number(choices_.pick(often));
  settings["kernel.short_send"] = number(choices_.pick(often));
  settings["kernel.lends_from"] =
      number(choices_.pick(std::vector<std::uint64_t>{64, 1'000, 1'000'000'000}));
  // Where a welcome may be cut, what a nameless client says could reach others before anybody has
  // seen its name.
  nameless_ = settings["kernel.short_send"] == "0";
  settings["kernel.few_events"] = number(choices_.pick(often));
  settings["kernel.spurious"] = number(choices_.pick(std::vector<std::uint64_t>{0, 10, 100}));
  settings["kernel.interrupted"] = number(choices_.pick(std::vector<std::uint64_t>{0, 10, 100}));
  settings["kernel.accept_fails"] = number(choices_.pick(std::vector<std::uint64_t>{0, 50, 300}));
  settings["kernel.no_buffers"] = number(choices_.chance(100) ? 5 : 0);
  settings["kernel.reuse_after"] = number(choices_.pick(std::vector<std::uint64_t>{0, 3, 20}));
  settings["kernel.call_us"] = number(choices_.pick(std::vector<std::uint64_t>{1, 5, 100}));
  settings["kernel.kib_us"] = number(choices_.pick(std::vector<std::uint64_t>{0, 1, 30}));
  settings["kernel.lends_little"] = number(choices_.pick(std::vector<std::uint64_t>{0, 300}));
  if (choices_.chance(30)) {
    draw_crowd(settings);
  } else if (choices_.chance(50)) {
    draw_little_memory(settings);
  }
  return settings;
}

void generator::draw_server(std::map<std::string, std::string>& settings) {
  clients_max_ = static_cast<std::uint32_t>(choices_.pick(std::vector<int>{3, 6, 12, 24}));
  unique_users_ = choices_.chance(600);
  big_ = choices_.chance(400);
  echo_ = choices_.chance(200);
  const auto pick = [&](const char* name, const std::vector<std::uint64_t>& list) {
    const std::uint64_t value = choices_.pick(list);
    settings[name] = number(value);
    return value;
  };
  pick("ping_interval_ms", {700, 2'000, 30'000});
  idle_ms_ = pick("idle_timeout_ms", {3'000, 10'000, 60'000});
  pick("handshake_timeout_ms", {1'000, 10'000});
  pick("stall_timeout_ms", {500, 10'000});
  pick("close_timeout_ms", {100, 1'000});
  pick("pending_bytes_max", {1'024, 20'000, 1'048'576});
  pick("rooms_per_connection_max", {1, 2, 4, 64});
  pick("header_bytes_max", {512, 8'192});
  pick("read_bytes_per_turn", {64, 1'000, 65'536});
  pick("accepts_per_turn", {1, 256});
  pick("sends_per_room_turn", {1, 3, 512});
  pick("turn_us", {100, 2'000});
  pick("room_backlog_bytes_max", {1'024, 262'144});
  pick("undecided_bytes_max", {65'536, 67'108'864});
  if (choices_.chance(300)) settings["slow_consumer"] = "skip";
  if (echo_) settings["echo"] = "true";
  settings["echo_bytes_max"] = "200000";
}

// A room of readers, so that the server alone decides how far they fall behind.
void generator::draw_crowd(std::map<std::string, std::string>& settings) {
  crowd_ = true;
  echo_ = big_ = false;
  nameless_ = unique_users_ = true;
  clients_max_ = 12;
  settings["kernel.short_send"] = settings["kernel.no_buffers"] = "0";
  settings["pending_bytes_max"] = "1048576";
  settings["read_bytes_per_turn"] = "65536";
  settings["room_backlog_bytes_max"] = "1024";
  settings["sends_per_room_turn"] = "3";
  settings["turn_us"] = "100";
}

// So little that a few who do not read can fill it.
void generator::draw_little_memory(std::map<std::string, std::string>& settings) {
  little_memory_ = big_ = true;
  // Some are refused: the names of those who are not tell who they are.
  unique_users_ = true;
  nameless_ = false;
  clients_max_ = 6;
  settings["memory_bytes_max"] = "1048576";
  settings["read_bytes_per_turn"] = choices_.chance(500) ? "65536" : "10000";
  settings["pending_bytes_max"] = choices_.chance(700) ? "16777216" : "1048576";
  settings["stall_timeout_ms"] = "10000";
}

void generator::draw_program(std::map<std::string, std::string>& settings) {
  program_ = choices_.chance(500);
  settings["program.present"] = program_ ? "1" : "0";
  if (!program_) return;
  settings["program.asks_joins"] = choices_.chance(500) ? "1" : "0";
  settings["program.asks_messages"] = choices_.chance(700) ? "1" : "0";
  settings["program.later"] = number(choices_.pick(std::vector<std::uint64_t>{0, 20, 200}));
  settings["program.change"] = number(choices_.pick(std::vector<std::uint64_t>{0, 10, 60}));
}

action generator::draw_end() {
  return {.kind = action_kind::end, .a = choices_.below(4)};
}

void generator::act_in_crowd(std::vector<action>& actions) {
  if (clients_.size() < clients_max_) {
    client made{.number = ++connected_};
    actions.push_back({.kind = action_kind::connect, .client = made.number, .a = 10'000'000});
    clients_.push_back(std::move(made));
    upgrade(clients_.back(), actions);
    turn(actions);
    client& fresh = clients_.back();
    fresh.rooms.insert("a");
    return send_frame(fresh, 0x81, R"({"type":"join","room":"a"})", actions);
  }
  if (choices_.chance(2)) {
    const bool beats = choices_.chance(500);
    for (client& of : clients_) {
      if (choices_.chance(700)) flood(of, beats, actions);
    }
  }
  turn(actions);
}

void generator::draw(std::vector<action>& actions) {
  if (choices_.below(8'000) == 0) {
    const bool stops = choices_.chance(200);
    actions.push_back({.kind = stops ? action_kind::stop : action_kind::drain});
    return;
  }
  if (!program_ && choices_.below(150) == 0) {
    const bool ahead = choices_.chance(300);
    actions.push_back({.kind = ahead ? action_kind::hand_over : action_kind::present});
    return;
  }
  if (crowd_) return act_in_crowd(actions);
  const std::uint64_t what = choices_.below(1000);
  if (clients_.empty() || (clients_.size() < clients_max_ && what < 60)) return connect(actions);
  client& of = clients_[static_cast<std::size_t>(choices_.below(clients_.size()))];
  if (what < 400) return turn(actions);
  if (what < 405) {
    actions.push_back({.kind = action_kind::settle, .a = choices_.next() >> 16});
    return;
  }
  if (what < 412) return pause_process(actions);
  if (what < 460) return program_acts(actions);
  if (what < 500) return change_client(of, actions);
  if (of.broken && choices_.chance(800)) return turn(actions);
  if (!of.upgraded) {
    if (what < 900) return upgrade(of, actions);
    return what < 980 ? ask_http(of, actions) : misspeak(of, actions);
  }
  if (what < 515) return misspeak(of, actions);
  if (little_memory_ && what < 525) return fill_memory(of, actions);
  if (little_memory_ && what < 530) return keep_logs(of, actions);
  if (what < 600) return burst(of, actions);
  if (what < 640) return say_many(of, actions);
  say(of, actions);
}

void generator::turn(std::vector<action>& actions) {
  actions.push_back({.kind = action_kind::turn,
                     .a = choices_.next() >> 16,
                     .b = choices_.below(4) * choices_.below(10'000)});
}

void generator::connect(std::vector<action>& actions) {
  client made{.number = ++connected_};
  static const std::vector<std::uint64_t> sizes{300, 3'000, 65'536, 1'000'000};
  actions.push_back(
      {.kind = action_kind::connect, .client = made.number, .a = choices_.pick(sizes)});
  clients_.push_back(std::move(made));
  if (choices_.chance(700)) upgrade(clients_.back(), actions);
}

std::string generator::new_user(const client& of) {
  if (unique_users_) return "u" + number(of.number) + (choices_.chance(100) ? " \\\"x" : "");
  return choices_.pick(users);
}

std::string generator::any_user() {
  if (choices_.chance(100)) return "nobody";
  const client& one = clients_[static_cast<std::size_t>(choices_.below(clients_.size()))];
  return one.user.empty() ? "nobody" : one.user;
}

void generator::upgrade(client& of, std::vector<action>& actions) {
  of.user = nameless_ && choices_.chance(100) ? "" : new_user(of);
  of.echo = echo_ && choices_.chance(200);
  std::string head = of.echo ? "GET /echo" : "GET /ws";
  if (!of.user.empty()) head += "?x=1&user=" + percent(of.user) + "&user=other";
  head += " HTTP/1.1\r\nHost: localhost\r\n";
  head += choices_.chance(500) ? "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                               : "connection: keep-alive, upgrade\r\nupgrade: WebSocket\r\n";
  head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + std::string(sample_key) + "\r\n";
  if (choices_.chance(200)) {
    head +=
        "Origin: http://localhost\r\nSec-WebSocket-Protocol: chat\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  }
  head += "\r\n";
  of.upgraded = true;
  of.rooms.clear();
  while (choices_.chance(200) && head.size() > 2) {
    const auto size = static_cast<std::size_t>(choices_.between(1, head.size() - 1));
    actions.push_back(
        {.kind = action_kind::raw, .client = of.number, .texts = {head.substr(0, size)}});
    head.erase(0, size);
    turn(actions);
  }
  actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {head}});
  if (choices_.chance(700)) turn(actions);
}

void generator::ask_http(client& of, std::vector<action>& actions) {
  static const std::vector<std::string> requests{
      "GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
      "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n",
      "HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n",
      "HEAD /ws HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      "GET /health HTTP/1.0\r\nHost: x\r\n\r\n",
      "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
      "GET /health HTTP/1.1\r\n\r\n",
      "GET /ws?user=%00 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "GET /ws?user=ok HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "nonsense\r\n\r\n",
      "GET /health HTTP/1.1\r\nno colon\r\n\r\n",
  };
  std::string text;
  const std::uint64_t count = choices_.chance(100) ? 60 : choices_.between(1, 3);
  const bool plain = choices_.chance(600);
  for (std::uint64_t i = 0; i < count; ++i) {
    text += plain ? requests[static_cast<std::size_t>(choices_.below(5))] : choices_.pick(requests);
  }
  if (choices_.chance(100)) text.resize(text.size() / 2);
  if (choices_.chance(30)) text = "GET /" + std::string(9'000, 'x');
  actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {std::move(text)}});
}

void generator::change_client(client& of, std::vector<action>& actions) {
  const std::uint64_t what = choices_.below(100);
  const std::uint32_t number = of.number;
  if (what < 45) {
    static const std::vector<std::uint64_t> rates{0, 0, 1, 100, 5'000, 1'000'000'000};
    actions.push_back({.kind = action_kind::reader, .client = number, .a = choices_.pick(rates)});
    return;
  }
  if (what < 60) {
    actions.push_back({.kind = action_kind::manners, .client = number, .a = choices_.below(4)});
    return;
  }
  const action_kind kind = what < 70   ? action_kind::fin
                           : what < 85 ? action_kind::vanish
                                       : action_kind::reset;
  actions.push_back({.kind = kind, .client = number, .a = what < 95 ? 0U : 1U});
  std::erase_if(clients_, [number](const client& one) { return one.number == number; });
}

void generator::program_acts(std::vector<action>& actions) {
  const std::uint64_t what = choices_.below(100);
  const auto plain = [&] {
    std::string text = "p" + number(++tags_);
    if (choices_.chance(200)) text += std::string(choices_.below(2'000), '"');
    // Twice as long as JSON: some need a chunk to themselves.
    if (big_ && choices_.chance(100)) text += std::string(choices_.below(200'000), '\n');
    return text;
  };
  if (what < 50 && program_) {
    actions.push_back(
        {.kind = action_kind::decide, .a = choices_.below(50), .b = choices_.below(50)});
    if (choices_.chance(200)) {
      actions.push_back({.kind = action_kind::decide, .b = 5 * choices_.below(10)});  // once more
    }
  } else if (what < 70) {
    actions.push_back({.kind = action_kind::publish, .texts = {room(), "server", plain()}});
  } else if (what < 82) {
    actions.push_back({.kind = action_kind::send_to, .texts = {any_user(), "server", plain()}});
  } else if (program_ && what < 95) {
    const client& one = clients_[static_cast<std::size_t>(choices_.below(clients_.size()))];
    actions.push_back({.kind = action_kind::send, .client = one.number, .texts = {plain()}});
  } else if (program_) {
    const client& one = clients_[static_cast<std::size_t>(choices_.below(clients_.size()))];
    actions.push_back({.kind = action_kind::kick,
                       .client = one.number,
                       .a = choices_.pick(std::vector<std::uint64_t>{1000, 1008, 3000, 4999})});
  }
}

// The process does not run for a while; clients go on.
void generator::pause_process(std::vector<action>& actions) {
  if (choices_.chance(200)) {
    actions.push_back(
        {.kind = action_kind::clock, .a = 86'400'000 + choices_.below(20'000) - 10'000});
    return;
  }
  static const std::vector<std::uint64_t> lengths{100, 1'000, 15'000, 70'000, 180'000};
  const std::uint64_t length_ms = choices_.pick(lengths);
  const std::uint64_t step_ms = std::max<std::uint64_t>(50, std::min(length_ms, idle_ms_ / 3));
  for (std::uint64_t passed = 0; passed < length_ms; passed += step_ms) {
    actions.push_back({.kind = action_kind::pass, .a = step_ms * 1'000});
    for (client& of : clients_) {
      if (of.upgraded && !of.broken && choices_.chance(900)) send_frame(of, 0x8A, "", actions);
    }
  }
}

}  // namespace simulation
