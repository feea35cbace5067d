#include "chinwag/options.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace chinwag {
namespace {

TEST(options, defaults_are_valid) {
  EXPECT_TRUE(validate({}));
}

// Text that the option takes: of a number both ends of its range, of others what they can be.
std::vector<std::string> values_of(const option_info& info) {
  const std::string name = info.name;
  if (info.most != 0) return {std::to_string(info.least), std::to_string(info.most)};
  if (name == "host") return {"127.0.0.2", "::1"};
  if (name == "allowed_origins") return {"*", "https://a.example,https://b.example"};
  if (name == "slow_consumer") return {"skip", "close"};
  if (name == "allowed_origins") return {"*", "https://chat.example,http://127.0.0.1:8080"};
  return {"true", "false"};
}

std::map<std::string, std::string> all_values(const options& source) {
  std::map<std::string, std::string> all;
  for (const option_info& info : option_list()) all[info.name] = get_option(source, info.name);
  return all;
}

TEST(options, setting_one_changes_that_one_and_no_other) {
  for (const option_info& info : option_list()) {
    options target;
    std::map<std::string, std::string> expected = all_values(target);
    for (const std::string& value : values_of(info)) {
      EXPECT_TRUE(set_option(target, info.name, value)) << info.name << " = " << value;
      expected[info.name] = value;
      EXPECT_EQ(all_values(target), expected) << info.name << " = " << value;
    }
  }
}

TEST(options, names_and_variables_are_unique) {
  std::set<std::string> names;
  std::set<std::string> variables;
  for (const option_info& info : option_list()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_TRUE(variables.insert(info.variable).second) << info.variable;
  }
}

TEST(options, numbers_beyond_their_bounds_are_refused_and_change_nothing) {
  const options untouched;
  for (const option_info& info : option_list()) {
    if (info.most == 0) continue;
    options target;
    EXPECT_FALSE(set_option(target, info.name, std::to_string(info.most + 1))) << info.name;
    if (info.least > 0) {
      EXPECT_FALSE(set_option(target, info.name, std::to_string(info.least - 1))) << info.name;
    }
    EXPECT_EQ(all_values(target), all_values(untouched)) << info.name;
  }
}

TEST(options, a_mistake_is_named_with_what_to_do) {
  options target;
  for (const char* value : {"", "x", "12x", "-1", "1e3", "70000", " 80"}) {
    const status outcome = set_option(target, "port", value);
    EXPECT_EQ(outcome.code, error::bad_option_value) << value;
    EXPECT_EQ(outcome.text,
              "port is '" + std::string(value) + "': give a whole number from 0 to 65535");
  }
  EXPECT_EQ(set_option(target, "slow_consumer", "drop").text,
            "slow_consumer is 'drop': give close or skip");
  EXPECT_EQ(set_option(target, "echo", "yes").text, "echo is 'yes': give true or false");
  EXPECT_EQ(set_option(target, "prot", "1").code, error::unknown_option);
  EXPECT_EQ(target.port, options{}.port) << "a refused value changes nothing";
}

TEST(options, origins_are_checked) {
  options target;
  EXPECT_TRUE(set_option(target, "allowed_origins", "https://a.example, http://b:1"));
  EXPECT_EQ(set_option(target, "allowed_origins", "a.example").text,
            "allowed_origins is 'a.example': give same-host, * or origins such as "
            "https://chat.example with commas between them");
}

TEST(options, validate_sees_values_set_in_code) {
  EXPECT_EQ(validate({.host = ""}).code, error::bad_option_value);
  EXPECT_EQ(validate({.turn_us = 1}).code, error::bad_option_value);
}

}  // namespace
}  // namespace chinwag
