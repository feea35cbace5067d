#include "endpoint.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace chinwag::load {
namespace {

std::uint32_t connections_with(const std::string& range) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("endpoint_test." + std::to_string(getpid()) + ".range");
  std::ofstream(path) << range;
  const std::uint32_t found = connections_per_source(path.string());
  std::filesystem::remove(path);
  return found;
}

TEST(endpoint, takes_most_of_the_ports_that_the_kernel_gives_to_one_address) {
  EXPECT_EQ(connections_with("32768\t60999\n"), 24'703u);
  EXPECT_EQ(connections_with("1024 65535"), 56'448u);
  EXPECT_EQ(connections_with("40000 40015"), 14u);
  EXPECT_EQ(connections_with("40000 40000"), 1u);
}

TEST(endpoint, takes_the_kernel_s_default_where_no_range_is_shown) {
  EXPECT_EQ(connections_per_source("/nowhere/range"), 24'703u);
  EXPECT_EQ(connections_with("no numbers"), 24'703u);
}

TEST(endpoint, says_what_to_do_when_no_source_port_is_left) {
  EXPECT_NE(connect_error(EADDRNOTAVAIL).find("--sources"), std::string::npos);
  EXPECT_EQ(connect_error(ECONNREFUSED), "Connection refused");
}

}  // namespace
}  // namespace chinwag::load
