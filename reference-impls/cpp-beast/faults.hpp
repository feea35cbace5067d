#pragma once

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "json.hpp"

/// Both kinds of requests can be printed as JSON. Throws std::exception if there is no number.
inline int ms_in(request const& request) {
  std::ostringstream text;
  text << request;
  return nlohmann::json::parse(text.str()).at("ms").get<int>();
}

/// Does what a defect in a handler would do, if CHAT_FAULTS is 1: throws, or does not come to an
/// end. A kit asks for it and measures what follows. Who asks for the build is answered with its
/// name, of which a new build has another one.
inline std::optional<std::string> commit_fault(std::string_view type, request const& request) {
  using clock = std::chrono::steady_clock;
  static bool const asked = [] {
    char const* const text = std::getenv("CHAT_FAULTS");
    return text && std::string_view(text) == "1";
  }();
  if (!asked) return {};
  if (type == "__build") {
    char const* const build = std::getenv("CHAT_BUILD");
    return build ? build : "1";
  }
  if (type == "__crash") throw std::runtime_error("__crash was asked for");
  if (type != "__spin") return {};
  auto const end = clock::now() + std::chrono::milliseconds(ms_in(request));
  while (clock::now() < end) continue;
  return {};
}
