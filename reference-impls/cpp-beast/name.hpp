#pragma once

#include <string>
#include <string_view>

namespace chat {

bool valid_utf8(std::string_view text);

/// 1 to 64 bytes of UTF-8 without control characters.
bool valid_name(std::string_view name);

/// The first `user` in the query of a request target, decoded as a form; empty if there is none.
std::string user_of(std::string_view target);

/// A name for those who give none.
std::string random_name();

}  // namespace chat
