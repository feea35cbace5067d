#include <nlohmann/json.hpp>
#include <set>

#include "client_stream.hpp"
#include "wire.hpp"

namespace simulation {

namespace {

using json = nlohmann::json;

constexpr std::size_t depth_promised = 16;  // C9

struct field {
  enum class kind : std::uint8_t { missing, text, other };
  kind what = kind::missing;
  std::string value{};
};

// Collects the fields of the outermost object.
class reader : public nlohmann::json_sax<json> {
 public:
  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_integer(number_integer_t) override { return other(); }
  bool number_unsigned(number_unsigned_t) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool string(string_t& value) override {
    if (depth_ == 1 && current_ != nullptr) *current_ = {field::kind::text, std::move(value)};
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ == 0) object = true;
    return open();
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (depth_ != 1 || !object) return true;
    if (!keys_.insert(name).second) repeated = true;
    current_ = name == "type"      ? &type
               : name == "room"    ? &room
               : name == "to"      ? &to
               : name == "content" ? &content
                                   : nullptr;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const json::exception& why) override {
    out_of_range = why.id / 100 == 4;
    return false;
  }

  field type, room, to, content;
  bool object = false;
  bool repeated = false;
  bool out_of_range = false;
  std::size_t deepest = 0;

 private:
  bool other() {
    if (depth_ == 1 && current_ != nullptr) *current_ = {field::kind::other};
    return true;
  }
  bool open() {
    other();
    deepest = std::max(deepest, ++depth_);
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }

  std::size_t depth_ = 0;
  field* current_ = nullptr;
  std::set<std::string> keys_;
};

bool names(const field& of) {
  return of.what == field::kind::text && valid_name(of.value);
}

}  // namespace

asked_message read_message(std::string_view text) {
  using kind = asked_message::kind;
  reader read;
  // A leading byte order mark is not JSON (C1), though many libraries pass over it.
  const bool mark = text.starts_with("\xEF\xBB\xBF");
  const bool parsed = !mark && json::sax_parse(text, &read);
  if (!parsed) return {read.out_of_range ? kind::uncertain : kind::malformed};
  if (read.repeated || read.deepest > depth_promised) return {kind::uncertain};
  if (!read.object || read.type.what != field::kind::text) return {kind::bad};
  const std::string& type = read.type.value;
  const bool content = read.content.what == field::kind::text;
  if (type == "heartbeat") return {kind::heartbeat};
  if (type == "join" || type == "leave") {
    if (!names(read.room)) return {kind::bad};
    return {type == "join" ? kind::join : kind::leave, std::move(read.room.value)};
  }
  if (type == "message") {
    if (!names(read.room) || !content) return {kind::bad};
    return {kind::message, std::move(read.room.value), std::move(read.content.value)};
  }
  if (type == "direct") {
    if (!names(read.to) || !content) return {kind::bad};
    return {kind::direct, std::move(read.to.value), std::move(read.content.value)};
  }
  return {kind::nothing};
}

}  // namespace simulation
