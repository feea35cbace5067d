// What the generator's clients say and misspeak.

#include <algorithm>
#include <cstdio>

#include "generator.hpp"
#include "wire.hpp"

namespace simulation {

namespace {

const std::vector<std::string> rooms{
    "a",
    "b",
    "c",
    "d e",
    "\"quoted\\\"",
    "\xE2\x98\x83",
    "0123456789012345678901234567890123456789012345678901234567890123"};

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

}  // namespace

void generator::send_frame(client& of, unsigned first, const std::string& payload,
                           std::vector<action>& actions) {
  actions.push_back({.kind = action_kind::frame,
                     .client = of.number,
                     .a = first,
                     .b = choices_.chance(500) ? 0 : choices_.next() & 0xFFFFFFFF,
                     .texts = {payload}});
}

void generator::send_text(client& of, const std::string& text, std::vector<action>& actions) {
  if (!choices_.chance(80)) return send_frame(of, 0x81, text, actions);
  // In fragments, some empty, with control frames between.
  std::string rest = text;
  unsigned opcode = 1;
  while (choices_.chance(600)) {
    const auto size = static_cast<std::size_t>(choices_.below(rest.size() + 1));
    send_frame(of, opcode, rest.substr(0, size), actions);
    rest.erase(0, size);
    opcode = 0;
    if (choices_.chance(300)) send_frame(of, 0x89, "p" + number(++tags_), actions);
    if (choices_.chance(300)) turn(actions);
  }
  send_frame(of, 0x80 | opcode, rest, actions);
}

std::string generator::json_text(const std::string& plain) {
  if (!choices_.chance(150)) return escape_json(plain);
  std::string out;
  char escape[8];
  for (const char c : plain) {
    if (static_cast<unsigned char>(c) >= 0x80 || choices_.chance(800)) {
      out += escape_json(std::string(1, c));
    } else {
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned char>(c));
      out += escape;
    }
  }
  return out;
}

std::string generator::room() {
  return choices_.pick(rooms);
}

std::string generator::known_room(const client& of) {
  if (of.rooms.empty() || choices_.chance(50)) return room();
  auto at = of.rooms.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(choices_.below(of.rooms.size())));
  return *at;
}

// JSON text of a content that no other message has.
std::string generator::content() {
  std::string text = "t" + number(++tags_) + " ";
  const std::uint64_t what = choices_.below(1000);
  if (what < 500) return text;
  if (what < 800) return text + json_text(std::string(choices_.below(300), 'x'));
  if (what < 850)
    return text + "\\u0000\\\"\\\\\\/\\b\\f\\n\\r\\t\xE2\x98\x83\\u2603\\ud83d\\ude00";
  if (!big_ || what < 900) return text + std::string(choices_.below(3'000), 'y');
  if (what < 960) return text + std::string(choices_.below(60'000), 'z');
  for (std::uint64_t i = choices_.between(1'000, 32'600); i > 0; --i) text += "\\n";
  return text;
}

std::string generator::request(client& of) {
  const std::uint64_t what = choices_.below(1000);
  const auto field = [&](const char* name, const std::string& plain) {
    return ",\"" + std::string(name) + "\":\"" + json_text(plain) + "\"";
  };
  const std::string extra = choices_.chance(50) ? ",\"extra\":[1,{\"a\":null}]}" : "}";
  if (of.rooms.empty() ? what < 600 : what < 120) {
    const std::string name = room();
    of.rooms.insert(name);
    return "{\"type\":\"join\"" + field("room", name) + extra;
  }
  if (what < 220) {
    const std::string name = known_room(of);
    of.rooms.erase(name);
    return "{\"type\":\"leave\"" + field("room", name) + extra;
  }
  if (what < 730) {
    return "{\"type\":\"message\"" + field("room", known_room(of)) + ",\"content\":\"" + content() +
           "\"" + extra;
  }
  if (what < 840) {
    return "{\"content\":\"" + content() + "\",\"type\":\"direct\"" + field("to", any_user()) +
           extra;
  }
  if (what < 950) return "{ \"type\" : \"heartbeat\"" + extra;
  return wrong_request();
}

std::string generator::wrong_request() {
  static const std::vector<std::string> wrong{
      "[]",
      "7",
      "\"text\"",
      "{}",
      "{\"type\":7}",
      "{\"type\":\"unknown\",\"x\":1}",
      "{\"type\":\"join\"}",
      "{\"type\":\"join\",\"room\":\"\"}",
      "{\"type\":\"join\",\"room\":5}",
      "{\"type\":\"join\",\"room\":\"\\u0001\"}",
      "{\"type\":\"leave\",\"room\":[]}",
      "{\"type\":\"leave\",\"room\":\"never joined\"}",
      "{\"type\":\"message\",\"room\":\"never joined\",\"content\":\"x\"}",
      "{\"type\":\"message\",\"room\":\"a\"}",
      "{\"type\":\"message\",\"room\":\"a\",\"content\":1}",
      "{\"type\":\"direct\",\"to\":\"\",\"content\":\"x\"}",
      "{\"type\":\"direct\",\"to\":\"nobody\",\"content\":\"x\"}",
      "{\"type\":\"join\",\"room\":"
      "\"01234567890123456789012345678901234567890123456789012345678901234\"}"};
  return choices_.pick(wrong);
}

void generator::say(client& of, std::vector<action>& actions) {
  if (of.echo) {
    send_frame(of, choices_.chance(500) ? 0x81 : 0x82, "e" + number(++tags_), actions);
    return;
  }
  if (choices_.chance(30)) return send_frame(of, 0x89, "p" + number(++tags_), actions);
  if (choices_.chance(20)) return send_frame(of, 0x8A, "", actions);
  send_text(of, request(of), actions);
}

// Several commands in one write: message, leave, join, message; message, leave, heartbeat; ...
void generator::burst(client& of, std::vector<action>& actions) {
  if (of.echo) return say(of, actions);
  const std::string name = known_room(of);
  const std::string place = ",\"room\":\"" + escape_json(name) + "\"";
  const auto say_it = [&](const char* type, bool with_content) {
    std::string text = "{\"type\":\"" + std::string(type) + "\"" + place;
    if (with_content) text += ",\"content\":\"" + content() + "\"";
    send_text(of, text + "}", actions);
  };
  const std::uint64_t size = choices_.between(3, 8);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t what = choices_.below(10);
    if (what < 4) say_it("message", true);
    if (what >= 4 && what < 6) say_it("leave", false);
    if (what >= 6 && what < 8) say_it("join", false);
    if (what >= 8) send_text(of, "{\"type\":\"heartbeat\"}", actions);
  }
  of.rooms.insert(name);
  turn(actions);
}

// Much of one kind, for those who do not read.
void generator::say_many(client& of, std::vector<action>& actions) {
  if (of.echo) return say(of, actions);
  const std::uint64_t size = choices_.between(10, 60);
  const bool beats = choices_.chance(200);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::string text = beats ? "{\"type\":\"heartbeat\"}" : request(of);
    send_frame(of, 0x81, text, actions);
    if (choices_.chance(30)) turn(actions);
  }
}

// As much as it can say at once.
void generator::flood(client& of, bool beats, std::vector<action>& actions) {
  const std::string name = json_text(known_room(of));
  const std::uint64_t count = beats ? 1'800 : 100;
  std::string bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string text = beats ? "{\"type\":\"heartbeat\"}"
                                   : "{\"type\":\"message\",\"room\":\"" + name +
                                         "\",\"content\":\"t" + number(++tags_) +
                                         std::string(1'000, 'f') + "\"}";
    bytes += client_frame(0x81, text, {0, 0, 0, 0});
  }
  actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {std::move(bytes)}});
}

// More than there is memory for, while others do not read.
void generator::fill_memory(client& of, std::vector<action>& actions) {
  if (of.echo) return say(of, actions);
  for (const client& one : clients_) {
    if (one.number == of.number || !choices_.chance(500)) continue;
    actions.push_back({.kind = action_kind::reader, .client = one.number, .a = 0});
  }
  const bool to_user = choices_.chance(300);
  const std::string target = to_user
                                 ? "\"direct\",\"to\":\"" + escape_json(any_user()) + "\""
                                 : "\"message\",\"room\":\"" + escape_json(known_room(of)) + "\"";
  std::string bytes;
  for (std::uint64_t i = choices_.between(10, 60); i > 0; --i) {
    const std::string text = "{\"type\":" + target + ",\"content\":\"t" + number(++tags_) +
                             std::string(50'000, 'm') + "\"}";
    bytes += client_frame(0x81, text, {0, 0, 0, 0});
  }
  actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {std::move(bytes)}});
  turn(actions);
}

// A few bytes that wait in each of many rooms: each keeps a whole piece of a log.
void generator::keep_logs(client& of, std::vector<action>& actions) {
  if (of.echo) return say(of, actions);
  actions.push_back({.kind = action_kind::reader, .client = of.number, .a = 0});
  std::string bytes;
  const std::uint64_t rooms = choices_.between(4, 40);
  for (std::uint64_t i = 0; i < 2 * rooms; ++i) {
    const std::string room = "\"room\":\"kept" + number(i % rooms) + "\"";
    const std::string text =
        i < rooms ? "{\"type\":\"join\"," + room + "}"
                  : "{\"type\":\"message\"," + room + ",\"content\":\"t" + number(++tags_) + "\"}";
    bytes += client_frame(0x81, text, {0, 0, 0, 0});
  }
  actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {std::move(bytes)}});
  turn(actions);
}

void generator::misspeak(client& of, std::vector<action>& actions) {
  const auto raw = [&](std::string bytes) {
    actions.push_back({.kind = action_kind::raw, .client = of.number, .texts = {std::move(bytes)}});
  };
  of.broken = true;
  const std::string key = std::string(4, '\0');
  switch (choices_.below(14)) {
    case 0:
      return raw("\x81\x01x");  // no mask
    case 1:
      return send_frame(of, 0x83, "reserved opcode", actions);
    case 2:
      return send_frame(of, 0xC1, "reserved bit", actions);
    case 3:
      return send_frame(of, 0x80, "continues nothing", actions);
    case 4:
      return send_frame(of, 0x09, "a ping in fragments", actions);
    case 5:
      return send_frame(of, 0x81, "not \xFF UTF-8", actions);
    case 6:
      return send_frame(of, 0x82, "binary", actions);
    case 7:
      return send_frame(of, 0x81, std::string(65'537, ' '), actions);
    case 8:
      return raw(std::string("\x81\xFF\x80\0\0\0\0\0\0\0", 10) + key);  // 2^63 bytes
    case 9:
      return send_frame(of, 0x81, choices_.chance(500) ? "not JSON" : "{\"type\":\"join\"",
                        actions);
    case 10:
      return send_frame(of, 0x88, "", actions);
    case 11:
      return send_frame(of, 0x88, std::string("\x03\xE8", 2) + "bye", actions);
    case 12:
      return send_frame(of, 0x88, std::string("\x03\xED", 2), actions);  // 1005
    default:
      return send_frame(of, 0x88, std::string("\x0F\xA0", 2) + "4000", actions);
  }
}

}  // namespace simulation
