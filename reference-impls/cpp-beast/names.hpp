#pragma once

#include <string>
#include <string_view>

/// Without controls, U+0000 to U+001F and U+007F to U+009F are refused as well.
bool valid_utf8(std::string_view text, bool with_controls = true);

/// 1 to 64 bytes of UTF-8 without control characters.
bool valid_name(std::string_view name);

/// The first `user` in the query of a request target; a random name if it is empty or missing.
std::string user_of(std::string_view target);
