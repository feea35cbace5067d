// An HTTP request and what is made of its target: nothing may be read behind the header, and a
// user who is let in has a name.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/http.hpp"
#include "wire/name.hpp"
#include "wire/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  chinwag::http_request request;
  if (chinwag::parse_http(bytes, 8'192, request) != chinwag::http_parse::complete) return 0;
  if (request.size > size || request.size > 8'192) std::abort();
  if (chinwag::is_websocket_key(request.websocket_key)) {
    if (chinwag::websocket_accept(request.websocket_key).size() != 28) std::abort();
  }
  const chinwag::asked_user user = chinwag::user_from_query(request.query);
  if (!user.valid || user.name.empty()) return 0;
  if (!chinwag::is_utf8(user.name) || !chinwag::is_name(user.name)) std::abort();
  return 0;
}
