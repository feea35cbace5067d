#pragma once

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

/// Does what a defect in a handler would do, if CHAT_FAULTS is 1: throws, or does not come to an
/// end. A kit asks for it and measures what follows. Who asks for the build is answered with its
/// name, of which a new build has another one.
inline std::optional<std::string> commit_fault(std::string const& type,
                                               nlohmann::json const& request) {
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
  auto const end = clock::now() + std::chrono::milliseconds(request.at("ms").get<int>());
  while (clock::now() < end) continue;
  return {};
}
