#include "wire/messages.hpp"

#include <cstring>

namespace chinwag {

void message_parts::write_frame(char* to) const {
  to += write_server_header(to, opcode::text, payload_size_);
  for (std::size_t i = 0; i < count_; ++i) {
    std::memcpy(to, pieces_[i].data(), pieces_[i].size());
    to += pieces_[i].size();
  }
}

namespace {

message_parts membership_message(std::string_view head, const quoted_name& room,
                                 const quoted_name& user, std::string_view timestamp) {
  return {head, room.view(), R"(","user":")", user.view(), R"(","timestamp":)", timestamp, "}"};
}

}  // namespace

message_parts welcome_message(const quoted_name& user) {
  return {R"({"type":"welcome","user":")", user.view(), R"("})"};
}

message_parts joined_message(const quoted_name& room, const quoted_name& user,
                             std::string_view timestamp) {
  return membership_message(R"({"type":"user_joined","room":")", room, user, timestamp);
}

message_parts left_message(const quoted_name& room, const quoted_name& user,
                           std::string_view timestamp) {
  return membership_message(R"({"type":"user_left","room":")", room, user, timestamp);
}

message_parts room_message(const quoted_name& room, const quoted_name& user,
                           std::string_view content, std::string_view timestamp) {
  return {R"({"type":"message","room":")",
          room.view(),
          R"(","user":")",
          user.view(),
          R"(","content":")",
          content,
          R"(","timestamp":)",
          timestamp,
          "}"};
}

message_parts direct_message(const quoted_name& user, std::string_view content,
                             std::string_view timestamp) {
  return {R"({"type":"direct","user":")",
          user.view(),
          R"(","content":")",
          content,
          R"(","timestamp":)",
          timestamp,
          "}"};
}

message_parts heartbeat_message(std::string_view timestamp) {
  return {R"({"type":"heartbeat","timestamp":)", timestamp, "}"};
}

message_parts error_message(refusal code, std::string_view text) {
  return {R"({"type":"error","code":")", refusal_name(code), R"(","message":")", text, R"("})"};
}

message_parts skipped_message(const quoted_name& room, std::string_view from, std::string_view to) {
  return {R"({"type":"skipped","room":")", room.view(), R"(","from":)", from, R"(,"to":)", to, "}"};
}

}  // namespace chinwag
