// The scanner against nlohmann/json: both accept or both refuse, with the exceptions that
// tests/core/json_scan_test.cpp names.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "wire/json.hpp"
#include "wire/name.hpp"
#include "wire/utf8.hpp"

namespace {

enum class answer { accepted, refused, undecided };

answer ask_nlohmann(std::string_view text) {
  try {
    const auto parsed = nlohmann::json::parse(text);
    return parsed.is_discarded() ? answer::refused : answer::accepted;
  } catch (const nlohmann::json::out_of_range&) {
    return answer::undecided;  // a number beyond a double
  } catch (const nlohmann::json::exception&) {
    return answer::refused;
  }
}

bool deeper_than_we_serve(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return deepest > chinwag::json_depth_max;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!chinwag::is_utf8(text) || text.starts_with("\xEF\xBB\xBF")) return 0;
  chinwag::json_request request;
  const bool accepted = chinwag::scan_json(text, request) != chinwag::json_verdict::malformed;
  for (const auto& field : {request.type, request.room, request.to, request.content}) {
    if (!accepted || !field.is_text()) continue;
    const chinwag::requested_name name(field.raw);
    if (name.valid() && !chinwag::is_name(name.view())) std::abort();
  }
  // nlohmann takes a zero byte for the end of the text.
  if (text.find('\0') != text.npos) {
    if (accepted) std::abort();
    return 0;
  }
  const answer other = ask_nlohmann(text);
  if (other == answer::undecided || deeper_than_we_serve(text)) return 0;
  if (accepted != (other == answer::accepted)) std::abort();
  return 0;
}
