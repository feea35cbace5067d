#include "settings_file.hpp"

#include <toml++/toml.h>

#include <filesystem>
#include <sstream>

#include "settings.hpp"

namespace chinwagd {

namespace {

// The value as text that set_option takes; empty for what no option is made of.
std::string text_of(const toml::node& value) {
  if (const auto text = value.value<std::string>(); text && value.is_string()) return *text;
  if (value.is_integer()) return std::to_string(*value.value<std::int64_t>());
  if (value.is_boolean()) return *value.value<bool>() ? "true" : "false";
  return {};
}

std::string quoted(const std::string& value) {
  std::ostringstream out;
  out << toml::value<std::string>(value);
  return out.str();
}

bool is_bare(const std::string& value) {
  return value == "true" || value == "false" || value.find_first_not_of("0123456789") == value.npos;
}

}  // namespace

file_values read_settings_file(const std::string& path) {
  if (std::error_code unknown; std::filesystem::is_directory(path, unknown)) {
    return {{chinwag::error::bad_option_value, "file " + path + ": it is a folder"}};
  }
  try {
    file_values read;
    const toml::table table = toml::parse_file(path);
    for (const auto& [key, value] : table) {
      read.values[std::string(key.str())] = text_of(value);
    }
    return read;
  } catch (const toml::parse_error& problem) {
    std::ostringstream text;
    text << "file " << path;
    if (problem.source().begin.line > 0) text << ", line " << problem.source().begin.line;
    text << ": " << problem.description();
    return {{chinwag::error::bad_option_value, text.str()}};
  }
}

std::string to_toml(const settings& all) {
  std::ostringstream out;
  for (const chinwag::option_info& info : chinwag::option_list()) {
    const std::string value = chinwag::get_option(all.server, info.name);
    out << "# " << info.help << "\n"
        << info.name << " = " << (is_bare(value) ? value : quoted(value)) << "\n";
  }
  return out.str();
}

}  // namespace chinwagd
