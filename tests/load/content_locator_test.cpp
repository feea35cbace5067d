#include "content_locator.hpp"

#include <gtest/gtest.h>

#include <string>

namespace chinwag::load {
namespace {

constexpr std::size_t content_bytes = 64;

stamp stamp_of(message_kind kind, std::uint32_t sequence) {
  return {kind, 1, 2, sequence, 4};
}

std::string content_of(const stamp& stamp) {
  std::string content(stamp_bytes, ' ');
  write_stamp(stamp, content.data());
  return content.append(padding_of(stamp, content_bytes - stamp_bytes));
}

std::string compact(const std::string& type, const std::string& content) {
  return R"({"type":")" + type + R"(","user":"u","content":")" + content + R"(","timestamp":1})";
}

std::string spaced(const std::string& type, const std::string& content) {
  return R"({"type": ")" + type + R"(", "timestamp": 1, "content": ")" + content + R"("})";
}

std::string event(const std::string& type, const std::string& content) {
  return R"(42[")" + type + R"(",{"user":"u","content":")" + content + R"("}])";
}

TEST(content_locator, finds_both_kinds_in_any_layout) {
  content_locator locator(content_bytes);
  located_content found{};
  std::uint32_t i = 0;
  for (const auto layout : {compact, spaced, event, event, compact, compact}) {
    ++i;  // a change costs a search, no more
    const stamp room = stamp_of(message_kind::room, i);
    const stamp direct = stamp_of(message_kind::direct, i);
    const std::string to_room = layout("message", content_of(room));
    ASSERT_EQ(locator.find(to_room, found), content_status::delivery);
    EXPECT_EQ(found.stamp, room);
    const std::string to_user = layout("direct", content_of(direct));
    ASSERT_EQ(locator.find(to_user, found), content_status::delivery);
    EXPECT_EQ(found.stamp, direct);
    EXPECT_EQ(found.content, content_of(direct));
  }
}

TEST(content_locator, leaves_other_messages_alone) {
  content_locator locator(content_bytes);
  located_content found{};
  EXPECT_EQ(locator.find(R"({"type":"heartbeat","timestamp":1})", found), content_status::other);
  EXPECT_EQ(locator.find("", found), content_status::other);
}

TEST(content_locator, calls_corrupted_what_is_a_message_without_its_stamp) {
  content_locator locator(content_bytes);
  located_content found{};
  const std::string content = content_of(stamp_of(message_kind::room, 1));
  std::string broken = content;
  broken[10] = 'x';
  ASSERT_EQ(locator.find(compact("message", content), found), content_status::delivery);
  for (const std::string& text : {compact("message", broken), compact("message", content + "x"),
                                  compact("message", content.substr(1)), compact("direct", content),
                                  std::string(R"({"type":"message","content":"short"})"),
                                  std::string(R"({"type":"message"})")}) {
    EXPECT_EQ(locator.find(text, found), content_status::corrupted) << text;
  }
}

}  // namespace
}  // namespace chinwag::load
