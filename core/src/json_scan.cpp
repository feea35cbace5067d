#include "json_scan.hpp"

#include <array>
#include <cstddef>

#include "json_string.hpp"

namespace chinwag {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A cursor over the text with the containers that are open around it. Containers nest at most 64
// deep, so one word remembers for each whether it is an object.
class scanner {
 public:
  scanner(std::string_view text, json_request& request) : text_(text), request_(request) {}

  json_verdict scan() {
    skip_space();
    const bool object = peek() == '{';
    if (!value()) return json_verdict::malformed;
    while (depth_ > 0) {
      if (!next_in_container()) return json_verdict::malformed;
    }
    skip_space();
    if (at_ != text_.size()) return json_verdict::malformed;
    return object ? json_verdict::object : json_verdict::not_object;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool in_object() const { return (objects_ >> (depth_ - 1) & 1) != 0; }

  // Scans a value; a container is only opened: next_in_container goes through what is in it.
  bool value() {
    skip_space();
    switch (peek()) {
      case '{':
        return open(true);
      case '[':
        return open(false);
      case '"':
        return text(last_text_);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool open(bool object) {
    if (depth_ == json_depth_max) return false;
    ++at_;
    const std::uint64_t bit = std::uint64_t{1} << depth_++;
    objects_ = object ? objects_ | bit : objects_ & ~bit;
    first_ = true;
    return true;
  }

  // One step inside the innermost container: its end, or its next element.
  bool next_in_container() {
    skip_space();
    if (take(in_object() ? '}' : ']')) {
      --depth_;
      first_ = false;
      return true;
    }
    if (!first_ && !take(',')) return false;
    first_ = false;
    return in_object() ? member() : value();
  }

  bool member() {
    skip_space();
    std::string_view key;
    if (peek() != '"' || !text(key)) return false;
    json_field* field = depth_ == 1 ? known_field(key) : nullptr;
    skip_space();
    if (!take(':')) return false;
    skip_space();
    const bool is_text = peek() == '"';
    if (!value()) return false;
    if (field != nullptr) {
      field->what = is_text ? json_field::kind::text : json_field::kind::other;
      field->raw = is_text ? last_text_ : std::string_view{};
    }
    return true;
  }

  // Keys are compared by meaning: an escaped one is the same key.
  json_field* known_field(std::string_view key) {
    std::array<char, 8> plain{};
    if (key.find('\\') != key.npos) {
      const std::size_t size = unescape_json(key, plain.data(), plain.size());
      if (size > plain.size()) return nullptr;
      key = {plain.data(), size};
    }
    if (key == "type") return &request_.type;
    if (key == "room") return &request_.room;
    if (key == "to") return &request_.to;
    if (key == "content") return &request_.content;
    return nullptr;
  }

  bool text(std::string_view& raw) {
    ++at_;
    const json_string_end end = scan_json_string(text_.substr(at_));
    raw = text_.substr(at_, end.size);
    at_ += end.size + 1;
    return end.good;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  std::string_view text_;
  json_request& request_;
  std::string_view last_text_{};
  std::size_t at_ = 0;
  std::uint64_t objects_ = 0;
  unsigned depth_ = 0;
  bool first_ = false;  // nothing was read in the innermost container yet
};

}  // namespace

json_verdict scan_json(std::string_view text, json_request& request) {
  return scanner(text, request).scan();
}

}  // namespace chinwag
