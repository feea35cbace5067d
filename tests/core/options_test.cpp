#include "chinwag/options.hpp"

#include <gtest/gtest.h>

#include <set>

namespace chinwag {
namespace {

TEST(options, defaults_are_valid) {
  EXPECT_TRUE(validate({}));
}

TEST(options, every_option_reads_back_what_was_set) {
  options target;
  for (const option_info& info : option_list()) {
    const std::string value = get_option(target, info.name);
    ASSERT_FALSE(value.empty()) << info.name;
    EXPECT_TRUE(set_option(target, info.name, value)) << info.name;
    EXPECT_EQ(get_option(target, info.name), value);
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

TEST(options, numbers_have_bounds) {
  options target;
  for (const option_info& info : option_list()) {
    if (info.most == 0) continue;
    EXPECT_TRUE(set_option(target, info.name, std::to_string(info.least))) << info.name;
    EXPECT_TRUE(set_option(target, info.name, std::to_string(info.most))) << info.name;
    EXPECT_FALSE(set_option(target, info.name, std::to_string(info.most + 1))) << info.name;
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
