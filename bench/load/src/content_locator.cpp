#include "content_locator.hpp"

#include "server_text.hpp"

namespace chinwag::load {

content_status content_locator::find(std::string_view payload, located_content& out) {
  if (read_guess(payload, message_kind::room, out) ||
      read_guess(payload, message_kind::direct, out)) {
    return content_status::delivery;
  }
  return search(payload, out);
}

bool content_locator::read_guess(std::string_view payload, message_kind kind,
                                 located_content& out) const {
  const layout& guess = layouts_[static_cast<std::size_t>(kind)];
  return guess.at != 0 && payload.starts_with(guess.head) && read_at(payload, guess.at, kind, out);
}

bool content_locator::read_at(std::string_view payload, std::size_t at, message_kind kind,
                              located_content& out) const {
  const std::size_t end = at + content_bytes_;
  if (end >= payload.size() || payload[end] != '"') {
    return false;
  }
  const auto stamp = read_stamp(payload.data() + at);
  if (!stamp || stamp->kind != kind) {
    return false;
  }
  out.stamp = *stamp;
  out.content = payload.substr(at, content_bytes_);
  return true;
}

content_status content_locator::search(std::string_view payload, located_content& out) {
  const text_type type = type_of(payload);
  if (type != text_type::message && type != text_type::direct) {
    return content_status::other;
  }
  const auto kind = type == text_type::message ? message_kind::room : message_kind::direct;
  const std::size_t at = find_string(payload, "content");
  if (at == std::string_view::npos || !read_at(payload, at, kind, out)) {
    return content_status::corrupted;
  }
  layouts_[static_cast<std::size_t>(kind)] = {std::string(type_head(payload)), at};
  return content_status::delivery;
}

}  // namespace chinwag::load
