#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace simulation {

// What a run did, as one number, and the first rule that was broken in it.
class trace {
 public:
  // The text is for who listens, and no part of the hash.
  void add(std::string_view name, std::uint64_t a = 0, std::uint64_t b = 0,
           std::string_view text = {}) {
    ++events_;
    mix(static_cast<unsigned char>(name.empty() ? 0 : name[0]) + name.size() * 256);
    mix(a);
    mix(b);
    if (listener) listener(name, a, b, text);
  }
  void add_bytes(std::string_view bytes) { mix(std::hash<std::string_view>{}(bytes)); }

  std::uint64_t hash() const { return hash_; }
  // Client actions, kernel calls and messages delivered to clients.
  std::uint64_t events() const { return events_; }

  // Only the first one counts: what follows it may be its consequence.
  void violate(std::string rule, std::string text) {
    if (!rule_.empty()) return;
    rule_ = std::move(rule);
    text_ = std::move(text);
  }
  bool violated() const { return !rule_.empty(); }
  const std::string& rule() const { return rule_; }
  const std::string& text() const { return text_; }

  std::function<void(std::string_view name, std::uint64_t a, std::uint64_t b,
                     std::string_view text)>
      listener{};

 private:
  void mix(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x100000001B3;
    hash_ ^= hash_ >> 29;
  }

  std::uint64_t hash_ = 0xCBF29CE484222325;
  std::uint64_t events_ = 0;
  std::string rule_;
  std::string text_;
};

}  // namespace simulation
