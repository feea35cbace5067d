#pragma once

// Histories written by hand: what clients say, and what a server that is not there answers.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "oracle.hpp"
#include "trace.hpp"
#include "wire.hpp"

namespace simulation {

inline constexpr std::uint64_t now_us = 1'000'000;

inline std::string frame(unsigned first, std::string_view payload) {
  std::string bytes(1, static_cast<char>(first));
  if (payload.size() > 125) {
    bytes += '\x7E';
    bytes += static_cast<char>(payload.size() >> 8);
  }
  return bytes + static_cast<char>(payload.size()) + std::string(payload);
}

inline std::string text(std::string_view fields) {
  return frame(0x81, "{\"type\":" + std::string(fields) + "}");
}

inline std::string in_room(std::string_view type, std::string_view room, std::string_view user) {
  return text("\"" + std::string(type) + "\",\"room\":\"" + std::string(room) + "\",\"user\":\"" +
              std::string(user) + "\",\"timestamp\":1");
}

inline std::string joined(std::string_view user, std::string_view room = "a") {
  return in_room("user_joined", room, user);
}

inline std::string left(std::string_view user, std::string_view room = "a") {
  return in_room("user_left", room, user);
}

inline std::string message(std::string_view user, std::string_view content,
                           std::string_view room = "a") {
  return text("\"message\",\"room\":\"" + std::string(room) + "\",\"user\":\"" + std::string(user) +
              "\",\"content\":\"" + std::string(content) + "\",\"timestamp\":1");
}

inline std::string direct(std::string_view user, std::string_view content) {
  return text("\"direct\",\"user\":\"" + std::string(user) + "\",\"content\":\"" +
              std::string(content) + "\",\"timestamp\":1");
}

inline std::string welcome(std::string_view user) {
  return text("\"welcome\",\"user\":\"" + std::string(user) + "\"");
}

inline std::string error(std::string_view code) {
  return text("\"error\",\"code\":\"" + std::string(code) + "\",\"message\":\"\"");
}

inline std::string skipped(std::string_view room = "a") {
  return text("\"skipped\",\"room\":\"" + std::string(room) + "\",\"from\":0,\"to\":9");
}

inline std::string closed(unsigned code) {
  return frame(0x88, {std::string{static_cast<char>(code >> 8), static_cast<char>(code)}});
}

inline std::string switching(std::string_view accept = sample_accept) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         std::string(accept) + "\r\n\r\n";
}

inline const std::string heartbeat = text("\"heartbeat\",\"timestamp\":1");

// A history: what clients say and hear, one after the other.
class history : public testing::Test {
 protected:
  explicit history(const oracle_settings& settings = {}) : judge_(settings, log_) {}

  void asks(connection_number who, std::string_view head) { judge_.sent(who, head, now_us); }

  void asks_upgrade(connection_number who, std::string_view user) {
    judge_.connected(who);
    asks(who, "GET /ws?user=" + std::string(user) +
                  " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                  std::string(sample_key) + "\r\n\r\n");
  }

  void comes(connection_number who, std::string_view user) {
    asks_upgrade(who, user);
    hears(who, switching() + welcome(user));
  }

  void says(connection_number who, const std::string& plain, unsigned first = 0x81) {
    judge_.sent(who, client_frame(static_cast<std::uint8_t>(first), plain, {1, 2, 3, 4}), now_us);
  }
  void joins(connection_number who, const std::string& room = "a") {
    says(who, R"({"type":"join","room":")" + room + "\"}");
  }
  void leaves(connection_number who, const std::string& room = "a") {
    says(who, R"({"type":"leave","room":")" + room + "\"}");
  }
  void publishes(connection_number who, const std::string& content, const std::string& room = "a") {
    says(who, R"({"type":"message","room":")" + room + R"(","content":")" + content + "\"}");
  }
  void sends(connection_number who, const std::string& to, const std::string& content) {
    says(who, R"({"type":"direct","to":")" + to + R"(","content":")" + content + "\"}");
  }
  void beats(connection_number who) { says(who, R"({"type":"heartbeat"})"); }

  void hears(connection_number who, const std::string& bytes) {
    judge_.received(who, bytes, now_us, [](const server_frame&) {});
  }
  void vanishes(connection_number who) { judge_.client_ended(who, true); }
  void finishes(connection_number who) { judge_.client_finished(who); }
  void sees_the_end(connection_number who) { judge_.server_ended(who, false); }

  // Ann and Bob are in room a, and both know it.
  void ann_and_bob_meet() {
    comes(ann, "ann");
    joins(ann);
    hears(ann, joined("ann"));
    comes(bob, "bob");
    joins(bob);
    hears(ann, joined("bob"));
    hears(bob, joined("bob"));
  }

  // The rule that was broken, once all is at rest; empty if none was.
  std::string verdict() {
    judge_.settled();
    return log_.rule();
  }

  static constexpr connection_number ann = 1;
  static constexpr connection_number bob = 2;
  trace log_;
  oracle judge_;
};

}  // namespace simulation
