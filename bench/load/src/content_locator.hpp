#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "stamp.hpp"

namespace chinwag::load {

enum class content_status { delivery, corrupted, other };

struct located_content {
  load::stamp stamp;
  std::string_view content;
};

// Finds the content in what a server delivers. Servers order and space their JSON differently, but
// each does it the same way every time, and names are of one width: so the place of the last one is
// tried first, then it is searched.
class content_locator {
 public:
  explicit content_locator(std::size_t content_bytes) : content_bytes_(content_bytes) {}

  content_status find(std::string_view payload, located_content& out);

 private:
  struct layout {
    std::string head;  // from the start to the end of the type's value
    std::size_t at = 0;
  };

  bool read_at(std::string_view payload, std::size_t at, message_kind kind,
               located_content& out) const;
  bool read_guess(std::string_view payload, message_kind kind, located_content& out) const;
  content_status search(std::string_view payload, located_content& out);

  std::size_t content_bytes_;
  std::array<layout, 2> layouts_;  // by message_kind
};

}  // namespace chinwag::load
