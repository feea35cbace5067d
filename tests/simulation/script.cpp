#include "script.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

namespace simulation {

namespace {

constexpr const char* names[] = {"connect", "raw",       "frame",   "fin",  "vanish", "reset",
                                 "reader",  "manners",   "turn",    "pass", "clock",  "decide",
                                 "publish", "send_to",   "send",    "kick", "settle", "drain",
                                 "stop",    "hand_over", "present", "end"};

bool has_client(action_kind kind) {
  return kind <= action_kind::manners || kind == action_kind::send || kind == action_kind::kick;
}

// How often the unit at the front of `text` comes in a row.
std::size_t repeats(std::string_view text, std::size_t unit) {
  std::size_t count = 1;
  while (text.size() >= (count + 1) * unit &&
         text.substr(count * unit, unit) == text.substr(0, unit)) {
    ++count;
  }
  return count;
}

void write_byte(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte >= 0x20 && byte < 0x7F) {
    out += c;
  } else if (c == '\n' || c == '\r') {
    out += c == '\n' ? "\\n" : "\\r";
  } else {
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

// Between quotes; \*COUNT{UNIT} is the unit COUNT times.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    bool folded = false;
    for (std::size_t unit = 1; unit <= 6 && text.size() >= 16 * unit && !folded; ++unit) {
      const std::size_t count = repeats(text, unit);
      if (count < 16) continue;
      out += "\\*" + std::to_string(count) + "{";
      for (const char c : text.substr(0, unit)) write_byte(out, c);
      out += "}";
      text.remove_prefix(count * unit);
      folded = true;
    }
    if (folded) continue;
    write_byte(out, text[0]);
    text.remove_prefix(1);
  }
  return out + '"';
}

std::optional<char> read_byte(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const char c = text[0];
  text.remove_prefix(1);
  if (c != '\\') return c;
  if (text.empty()) return std::nullopt;
  const char escape = text[0];
  text.remove_prefix(1);
  if (escape == 'n') return '\n';
  if (escape == 'r') return '\r';
  if (escape != 'x') return escape;
  unsigned value = 0;
  if (text.size() < 2) return std::nullopt;
  std::from_chars(text.data(), text.data() + 2, value, 16);
  text.remove_prefix(2);
  return static_cast<char>(value);
}

std::optional<std::string> read_quoted(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  text.remove_prefix(1);
  std::string out;
  while (!text.empty() && text[0] != '"') {
    if (!text.starts_with("\\*")) {
      const auto byte = read_byte(text);
      if (!byte) return std::nullopt;
      out += *byte;
      continue;
    }
    std::size_t count = 0;
    const auto [end, problem] = std::from_chars(text.data() + 2, text.data() + text.size(), count);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (problem != std::errc{} || !text.starts_with('{') || count > 1'000'000) return std::nullopt;
    text.remove_prefix(1);
    std::string unit;
    while (!text.empty() && text[0] != '}') {
      const auto byte = read_byte(text);
      if (!byte) return std::nullopt;
      unit += *byte;
    }
    if (text.empty()) return std::nullopt;
    text.remove_prefix(1);
    for (std::size_t i = 0; i < count; ++i) out += unit;
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return out;
}

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

std::optional<std::uint64_t> read_number(std::string_view& text) {
  skip_spaces(text);
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool read_action(std::string_view line, action& one) {
  const std::string_view name = line.substr(0, line.find(' '));
  const auto* found = std::find_if(std::begin(names), std::end(names),
                                   [&](const char* known) { return name == known; });
  if (found == std::end(names)) return false;
  one.kind = static_cast<action_kind>(found - std::begin(names));
  line.remove_prefix(name.size());
  if (has_client(one.kind)) {
    const auto client = read_number(line);
    if (!client) return false;
    one.client = static_cast<std::uint32_t>(*client);
  }
  if (const auto a = read_number(line)) one.a = *a;
  if (const auto b = read_number(line)) one.b = *b;
  for (skip_spaces(line); !line.empty(); skip_spaces(line)) {
    auto text = read_quoted(line);
    if (!text) return false;
    one.texts.push_back(std::move(*text));
  }
  return true;
}

}  // namespace

std::string write_action(const action& one) {
  std::string line = names[static_cast<std::size_t>(one.kind)];
  if (has_client(one.kind)) line += " " + std::to_string(one.client);
  if (one.a != 0 || one.b != 0) line += " " + std::to_string(one.a);
  if (one.b != 0) line += " " + std::to_string(one.b);
  for (const std::string& text : one.texts) line += " " + quoted(text);
  return line;
}

std::string write_script(const script& run) {
  std::string text;
  for (const auto& [name, value] : run.settings) text += "set " + name + " " + value + "\n";
  for (const action& one : run.actions) text += write_action(one) + "\n";
  return text;
}

bool read_script(std::string_view text, script& run, std::string& problem) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    if (line.empty() || line[0] == '#') continue;
    if (line.starts_with("set ")) {
      std::istringstream words{std::string(line.substr(4))};
      std::string name;
      std::string value;
      words >> name >> value;
      run.settings[name] = value;
      continue;
    }
    action one;
    if (!read_action(line, one)) {
      problem =
          "line " + std::to_string(number) + " is no action: " + std::string(line.substr(0, 60));
      return false;
    }
    run.actions.push_back(std::move(one));
  }
  return true;
}

}  // namespace simulation
