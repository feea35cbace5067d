// The cases of protocol/golden, replayed on a real server over real sockets. At the end of a case
// every client asks for a heartbeat: nothing may come before its answer that was not expected.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "chat_client.hpp"

namespace chinwag {
namespace {

using nlohmann::json;
using test::chat_client;

std::vector<json> golden_cases() {
  std::vector<json> cases;
  for (const auto& entry : std::filesystem::directory_iterator(CHINWAG_GOLDEN)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    const json document = json::parse(file);
    if (!document.contains("cases")) continue;
    for (const json& one : document["cases"]) cases.push_back(one);
  }
  return cases;
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += hex;
  }
  return encoded;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

bool matches(const json& expected, const json& found) {
  if (expected == "$text") return found.is_string();
  if (expected == "$timestamp") {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    return found.is_number_integer() && std::abs(found.get<std::int64_t>() - now) < 60'000;
  }
  if (expected == "$uuid") {
    static const std::regex form(
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
    return found.is_string() && std::regex_match(found.get<std::string>(), form);
  }
  if (!expected.is_object()) return expected == found;
  return found.is_object() &&
         std::all_of(expected.items().begin(), expected.items().end(), [&](const auto& field) {
           return found.contains(field.key()) && matches(field.value(), found[field.key()]);
         });
}

class golden_run {
 public:
  golden_run(std::uint16_t port, const json& users) {
    for (const auto& [name, user] : users.items()) {
      const std::string query =
          user.is_null() ? "" : "?user=" + percent_encoded(user.get<std::string>());
      clients_.emplace(name, chat_client(port, "/ws" + query));
      const bool named = !user.is_null() && user != "";
      const json expected = {{"type", "welcome"}, {"user", named ? user : json("$uuid")}};
      EXPECT_TRUE(matches(expected, received(name))) << name;
    }
  }

  void step(const json& what) {
    if (what.contains("from")) return send(what);
    if (what.contains("close")) return close(what["close"]);
    const std::string name = what["to"];
    if (what.contains("expect")) {
      const json found = received(name);
      EXPECT_TRUE(matches(what["expect"], found)) << what << "\nbut came " << found;
    } else if (what.contains("expect_nothing")) {
      fence(name);
    } else {
      expect_close(name, what);
    }
  }

  void fence_all() {
    for (const auto& [name, client] : clients_) fence(name);
  }

 private:
  chat_client& client(const std::string& name) { return clients_.at(name); }

  json received(const std::string& name) {
    const std::string text = client(name).text();
    EXPECT_TRUE(text.starts_with(R"({"type":)")) << "the first key is `type`, not so in " << text;
    return json::parse(text, nullptr, false);
  }

  void fence(const std::string& name) {
    client(name).send(R"({"type":"heartbeat"})");
    const json found = received(name);
    EXPECT_TRUE(found.is_object() && found.value("type", "") == "heartbeat")
        << name << " got " << found;
  }

  // The client closes and is answered with its own code (F8), then the connection ends.
  void close(const std::string& name) {
    chat_client& closing = client(name);
    closing.send_raw(test::client_frame(opcode::close, std::string_view("\x03\xe8", 2)));
    const std::optional<test::wire_frame> answer = closing.receive();
    ASSERT_TRUE(answer.has_value()) << "the close of " << name << " is not answered";
    EXPECT_EQ(answer->code, opcode::close) << "before the close came " << answer->payload;
    EXPECT_EQ(answer->payload.substr(0, 2), std::string_view("\x03\xe8", 2));
    EXPECT_TRUE(closing.ends());
    clients_.erase(name);
  }

  void send(const json& what) {
    chat_client& from = client(what["from"]);
    if (what.contains("send_text")) {
      from.send(what["send_text"].get<std::string>());
    } else if (what.contains("send_hex")) {
      from.send_raw(test::client_frame(opcode::binary, from_hex(what["send_hex"])));
    } else {
      from.send(what["send"].dump());
    }
  }

  void expect_close(const std::string& name, const json& what) {
    std::optional<test::wire_frame> frame;
    while ((frame = client(name).receive()) && frame->code != opcode::close) {
    }
    ASSERT_TRUE(frame && frame->payload.size() >= 2) << what;
    const int code = static_cast<unsigned char>(frame->payload[0]) << 8 |
                     static_cast<unsigned char>(frame->payload[1]);
    EXPECT_EQ(code, what["expect_close"]) << what;
    if (what.contains("reason")) {
      EXPECT_EQ(frame->payload.substr(2), what["reason"]) << what;
    }
    clients_.erase(name);
  }

  std::map<std::string, chat_client> clients_;
};

TEST(golden, every_case_holds) {
  const std::vector<json> cases = golden_cases();
  ASSERT_GT(cases.size(), 10U) << "no cases found in " << CHINWAG_GOLDEN;
  test::running_server server;
  for (const json& one : cases) {
    SCOPED_TRACE(one["id"].get<std::string>());
    golden_run run(server.port, one["users"]);
    for (const json& step : one["steps"]) run.step(step);
    run.fence_all();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace chinwag
