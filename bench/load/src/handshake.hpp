#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chinwag::load {

inline constexpr std::size_t response_head_bytes_max = 8 * 1024;

// The upgrade request; `target` is path and query, already escaped.
// `field`, such as "Cookie: user=ann", is one more line of it, if it is not empty.
std::string upgrade_request(std::string_view host, std::string_view target,
                            std::string_view field = {});

enum class upgrade_status { accepted, incomplete, refused };

struct upgrade_answer {
  upgrade_status status;
  std::size_t head_bytes;  // what follows are frames (accepted)
  std::string reason;      // for people (refused)
};

// Reads a server's answer to the request above: 101, `Upgrade`, `Connection` and the right accept
// key.
upgrade_answer read_upgrade_answer(std::string_view bytes);

}  // namespace chinwag::load
