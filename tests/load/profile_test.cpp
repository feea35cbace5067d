#include "profile.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "failure.hpp"

namespace chinwag::load {
namespace {

using nlohmann::json;

const json good{{"name", "x"},
                {"description", "y"},
                {"connections", 10},
                {"room_size", 5},
                {"mix", {{"room", 0.25}, {"direct", 0.75}}},
                {"content_bytes", 100},
                {"messages_per_second_per_connection", 2.5},
                {"burst", 1},
                {"heartbeat_s", 20}};

profile read_text(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("profile_test." + std::to_string(getpid()) + ".json");
  std::ofstream(path) << text;
  try {
    const profile result = read_profile(path);
    std::filesystem::remove(path);
    return result;
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
}

std::string complaint_about(const std::string& text) {
  try {
    read_text(text);
  } catch (const failure& error) {
    EXPECT_EQ(error.code(), exit_code::usage);
    return error.what();
  }
  return "nothing was thrown";
}

std::string complaint_about(const char* key, const json& value) {
  json changed = good;
  changed[key] = value;
  return complaint_about(changed.dump());
}

TEST(profile, with_a_key_that_stands_twice_is_refused) {
  const std::string text = good.dump();
  EXPECT_NE(complaint_about("{\"burst\":9," + text.substr(1)).find("\"burst\" stands there twice"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"name":"x","mix":{"room":1,"room":0,"direct":0}})")
                .find("\"room\" stands there twice"),
            std::string::npos);
}

TEST(profile, with_a_number_beyond_all_numbers_is_refused) {
  std::string text = good.dump();
  text.replace(text.find("2.5"), 3, "1e999");
  EXPECT_NE(complaint_about(text).find("not JSON"), std::string::npos);
}

TEST(profile, that_is_a_folder_is_refused) {
  try {
    read_profile(std::filesystem::temp_directory_path());
    FAIL() << "it was read";
  } catch (const failure& error) {
    EXPECT_EQ(error.code(), exit_code::usage);
    EXPECT_NE(std::string(error.what()).find("is a folder"), std::string::npos);
  }
}

TEST(profile, is_read) {
  const profile read = read_text(good.dump());
  EXPECT_EQ(read.name, "x");
  EXPECT_EQ(read.connections, 10u);
  EXPECT_EQ(read.rooms.room_size, 5u);
  EXPECT_EQ(read.rooms.rooms_per_connection, 1u);
  EXPECT_EQ(read.rooms.hot_room, 0u);
  EXPECT_EQ(read.law, arrivals::even);
  EXPECT_EQ(read.direct_share, 0.75);
  EXPECT_EQ(read.messages_per_s_per_connection, 2.5);
}

TEST(profile, says_what_is_allowed) {
  EXPECT_NE(complaint_about("room_size", 0)
                .find("\"room_size\" is 0; allowed: a number from 1 to 1000000"),
            std::string::npos);
  EXPECT_NE(complaint_about("content_bytes", 47).find("from 48 to 65000"), std::string::npos);
  EXPECT_NE(complaint_about("burst", 1.5).find("a whole number"), std::string::npos);
  EXPECT_NE(complaint_about("name", 1).find("a string"), std::string::npos);
  EXPECT_NE(complaint_about("mix", 1).find("must be a JSON object"), std::string::npos);
  EXPECT_NE(complaint_about("mix", {{"room", 0.5}, {"direct", 0.6}}).find("add up to 1"),
            std::string::npos);
  EXPECT_NE(
      complaint_about("bursts", 1).find("\"bursts\" is not known; allowed: arrivals, burst, "),
      std::string::npos);
}

TEST(profile, may_have_several_rooms_a_hot_one_and_random_arrivals) {
  json changed = good;
  changed["rooms_per_connection"] = 20;
  changed["arrivals"] = "poisson";
  const profile read = read_text(changed.dump());
  EXPECT_EQ(read.rooms.rooms_per_connection, 20u);
  EXPECT_EQ(read.law, arrivals::poisson);
  EXPECT_NE(complaint_about("rooms_per_connection", 65).find("from 1 to 64"), std::string::npos);
  EXPECT_NE(complaint_about("arrivals", "odd").find("allowed: \"even\", \"poisson\""),
            std::string::npos);
  changed["hot_room"] = 5;
  EXPECT_NE(complaint_about(changed.dump()).find("can't be combined"), std::string::npos);
}

TEST(profile, knows_how_many_deliveries_a_message_makes) {
  profile of = read_text(good.dump());
  EXPECT_DOUBLE_EQ(deliveries_per_message(of), 0.25 * 5 + 0.75);
  of.rooms.hot_room = 5;
  of.connections = 15;  // a room of five, and two of five
  EXPECT_DOUBLE_EQ(deliveries_per_message(of), 0.25 * 5 + 0.75);
  of.rooms.hot_room = 10;
  EXPECT_DOUBLE_EQ(deliveries_per_message(of), 0.25 * (100 + 25) / 15 + 0.75);
}

TEST(profile, names_the_file_that_cannot_be_read) {
  EXPECT_NE(complaint_about("{").find("not JSON"), std::string::npos);
  EXPECT_NE(complaint_about("{}").find("\"name\" is missing"), std::string::npos);
  EXPECT_THROW(read_profile("/no/such/file.json"), failure);
}

TEST(profile, all_of_ours_are_good) {
  int seen = 0;
  for (const auto& file : std::filesystem::directory_iterator(CHINWAG_LOAD_PROFILES)) {
    if (file.path().filename() != "profile.schema.json") {
      EXPECT_EQ(read_profile(file.path()).name, file.path().stem());
      ++seen;
    }
  }
  EXPECT_GE(seen, 4);
}

}  // namespace
}  // namespace chinwag::load
