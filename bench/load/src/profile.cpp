#include "profile.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "failure.hpp"
#include "seating.hpp"
#include "stamp.hpp"

namespace chinwag::load {
namespace {

using nlohmann::json;

std::string plain(double number) {
  return number == std::floor(number) ? std::to_string(static_cast<std::int64_t>(number))
                                      : json(number).dump();
}

// Reads one object's keys, each with its limits, and remembers which it knows, so that a misspelt
// one is told.
class object_reader {
 public:
  object_reader(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) {
      throw failure(exit_code::usage, where_ + ": must be a JSON object");
    }
  }

  double number(const std::string& key, double lowest, double highest) {
    const json& value = get(key);
    const double given = value.is_number() ? value.get<double>() : std::nan("");
    if (!(given >= lowest && given <= highest)) {
      fail(key, value, "a number from " + plain(lowest) + " to " + plain(highest));
    }
    return given;
  }

  // `otherwise` where the key is missing.
  double number_if_given(const std::string& key, double lowest, double highest, double otherwise) {
    known_.insert(key);
    return object_.contains(key) ? number(key, lowest, highest) : otherwise;
  }

  std::uint32_t whole(const std::string& key, std::uint32_t lowest, std::uint32_t highest) {
    const double value = number(key, lowest, highest);
    if (value != std::floor(value)) {
      fail(key, object_[key], "a whole number");
    }
    return static_cast<std::uint32_t>(value);
  }

  std::uint32_t whole_if_given(const std::string& key, std::uint32_t lowest, std::uint32_t highest,
                               std::uint32_t otherwise) {
    known_.insert(key);
    return object_.contains(key) ? whole(key, lowest, highest) : otherwise;
  }

  // One of the names that are allowed; the first where the key is missing.
  std::size_t choice_if_given(const std::string& key, const std::vector<std::string>& names) {
    known_.insert(key);
    if (!object_.contains(key)) {
      return 0;
    }
    const auto found = std::find(names.begin(), names.end(), text(key));
    if (found == names.end()) {
      std::string allowed;
      for (const std::string& name : names) {
        allowed += (allowed.empty() ? "\"" : ", \"") + name + '"';
      }
      fail(key, object_[key], allowed);
    }
    return static_cast<std::size_t>(found - names.begin());
  }

  std::string text(const std::string& key) {
    const json& value = get(key);
    if (!value.is_string()) {
      fail(key, value, "a string");
    }
    return value.get<std::string>();
  }

  object_reader object(const std::string& key) { return {get(key), where_ + ": \"" + key + '"'}; }

  void refuse_unknown_keys() const {
    for (const auto& item : object_.items()) {
      if (!known_.contains(item.key())) {
        std::string allowed;
        for (const std::string& key : known_) {
          allowed += (allowed.empty() ? "" : ", ") + key;
        }
        throw failure(exit_code::usage,
                      where_ + ": \"" + item.key() + "\" is not known; allowed: " + allowed);
      }
    }
  }

 private:
  const json& get(const std::string& key) {
    known_.insert(key);
    if (!object_.contains(key)) {
      throw failure(exit_code::usage, where_ + ": \"" + key + "\" is missing");
    }
    return object_[key];
  }

  [[noreturn]] void fail(const std::string& key, const json& value,
                         const std::string& allowed) const {
    throw failure(exit_code::usage,
                  where_ + ": \"" + key + "\" is " + value.dump() + "; allowed: " + allowed);
  }

  const json& object_;
  std::string where_;
  std::set<std::string> known_;
};

// Of a key that stands twice in its object, readers take different ones.
json::parser_callback_t key_watch(const std::string& where) {
  return [where, objects = std::vector<std::set<std::string>>()](
             int /*depth*/, json::parse_event_t event, const json& parsed) mutable {
    if (event == json::parse_event_t::object_start) {
      objects.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      objects.pop_back();
    } else if (event == json::parse_event_t::key &&
               !objects.back().insert(parsed.get<std::string>()).second) {
      throw failure(exit_code::usage,
                    where + ": \"" + parsed.get<std::string>() + "\" stands there twice");
    }
    return true;
  };
}

json parse_file(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    throw failure(exit_code::usage, path.string() + ": is a folder: name a file in it");
  }
  std::ifstream file(path);
  if (!file) {
    throw failure(exit_code::usage, path.string() +
                                        ": can't be read; profiles are in "
                                        "bench/load/profiles/");
  }
  try {
    return json::parse(file, key_watch(path.string()));
  } catch (const json::exception& error) {
    throw failure(exit_code::usage, path.string() + ": not JSON: " + error.what());
  }
}

double read_direct_share(object_reader& reader, const std::string& where) {
  object_reader mix = reader.object("mix");
  const double room = mix.number("room", 0, 1);
  const double direct = mix.number("direct", 0, 1);
  mix.refuse_unknown_keys();
  if (std::abs(room + direct - 1) > 1e-9) {
    throw failure(exit_code::usage, where + ": \"mix\": room and direct must add up to 1");
  }
  return direct;
}

void read_rooms(object_reader& reader, const std::string& where, room_plan& rooms) {
  rooms.rooms_per_connection = reader.whole_if_given("rooms_per_connection", 1, 64, 1);
  rooms.hot_room = reader.whole_if_given("hot_room", 1, 1'000'000, 0);
  if (rooms.hot_room > 0 && rooms.rooms_per_connection > 1) {
    throw failure(exit_code::usage, where +
                                        ": \"hot_room\" and \"rooms_per_connection\" can't "
                                        "be combined: leave one out");
  }
}

}  // namespace

double deliveries_per_message(const profile& of) {
  const roster names("", of.rooms);
  std::vector<std::uint32_t> everyone(of.connections);
  std::iota(everyone.begin(), everyone.end(), 0);
  const seating seats(std::move(everyone), of.connections, names);
  double arrivals = 0;
  for (std::uint32_t room = 0; room < seats.rooms(); ++room) {
    const double members = seats.members(room);
    arrivals += members * members;  // each of them sends to all of them
  }
  const double senders = static_cast<double>(of.connections) * names.slots();
  return of.direct_share + (1 - of.direct_share) * arrivals / senders;
}

profile read_profile(const std::filesystem::path& path) {
  const json document = parse_file(path);
  object_reader reader(document, path.string());
  profile result{};
  result.name = reader.text("name");
  result.description = reader.text("description");
  result.connections = reader.whole("connections", 1, 1'000'000);
  result.rooms.room_size = reader.whole("room_size", 1, 1'000'000);
  read_rooms(reader, path.string(), result.rooms);
  result.direct_share = read_direct_share(reader, path.string());
  result.content_bytes = reader.whole("content_bytes", stamp_bytes, content_bytes_max);
  result.messages_per_s_per_connection =
      reader.number("messages_per_second_per_connection", 0.0001, 1'000'000);
  result.burst = reader.whole("burst", 1, 1'000'000);
  result.law = static_cast<arrivals>(reader.choice_if_given("arrivals", {"even", "poisson"}));
  result.heartbeat_s = reader.number("heartbeat_s", 0, 3600);
  result.storm_timeout_s = reader.number_if_given("storm_timeout_s", 0.001, 3600, 0);
  reader.refuse_unknown_keys();
  return result;
}

}  // namespace chinwag::load
