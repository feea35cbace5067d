#include "messages.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "name.hpp"

namespace chat {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

json decoded(std::string_view text) {
  // nlohmann takes a byte order mark for nothing and a zero byte for the end: JSON has neither.
  if (text.starts_with("\xEF\xBB\xBF") || text.find('\0') != text.npos) throw malformed();
  auto value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) throw malformed();
  return value;
}

std::string& string_field(json& fields, char const* field) {
  auto const found = fields.find(field);
  if (found == fields.end() || !found->is_string()) {
    throw bad_request(std::string(field) + " must be a string");
  }
  return found->get_ref<std::string&>();
}

std::string name_field(json& fields, char const* field) {
  auto& name = string_field(fields, field);
  if (!valid_name(name)) {
    throw bad_request(std::string(field) + " must have 1 to 64 bytes and no control characters");
  }
  return std::move(name);
}

shared_text encoded(ordered_json const& fields) {
  return std::make_shared<std::string const>(fields.dump());
}

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::optional<request> parse(std::string_view text) {
  using enum request::kind;
  static std::unordered_map<std::string, request::kind> const kinds{{"join", join},
                                                                    {"leave", leave},
                                                                    {"message", message},
                                                                    {"direct", direct},
                                                                    {"heartbeat", heartbeat}};
  auto fields = decoded(text);
  if (!fields.is_object()) throw bad_request("a request is a JSON object");
  auto const kind = kinds.find(string_field(fields, "type"));
  if (kind == kinds.end()) return std::nullopt;

  request parsed{.what = kind->second};
  if (parsed.what == heartbeat) return parsed;
  parsed.name = name_field(fields, parsed.what == direct ? "to" : "room");
  if (parsed.what == message || parsed.what == direct) {
    parsed.content = std::move(string_field(fields, "content"));
  }
  return parsed;
}

shared_text welcome(std::string const& user) {
  return encoded({{"type", "welcome"}, {"user", user}});
}

shared_text user_joined(std::string const& room, std::string const& user) {
  return encoded(
      {{"type", "user_joined"}, {"room", room}, {"user", user}, {"timestamp", now_ms()}});
}

shared_text user_left(std::string const& room, std::string const& user) {
  return encoded({{"type", "user_left"}, {"room", room}, {"user", user}, {"timestamp", now_ms()}});
}

shared_text message(std::string const& room, std::string const& user, std::string const& content) {
  return encoded({{"type", "message"},
                  {"room", room},
                  {"user", user},
                  {"content", content},
                  {"timestamp", now_ms()}});
}

shared_text direct(std::string const& user, std::string const& content) {
  return encoded(
      {{"type", "direct"}, {"user", user}, {"content", content}, {"timestamp", now_ms()}});
}

shared_text heartbeat() {
  return encoded({{"type", "heartbeat"}, {"timestamp", now_ms()}});
}

shared_text error(std::string_view code, std::string_view text) {
  return encoded({{"type", "error"}, {"code", code}, {"message", text}});
}

}  // namespace chat
