#include "centrifugo_reply.hpp"

#include <algorithm>

#include "dialect.hpp"
#include "server_text.hpp"

namespace chinwag::load {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view push_head = R"({"push":)";

bool has(std::string_view reply, std::string_view part) {
  return reply.find(part) != npos;
}

void write_announcement(std::string_view type, std::string_view room, std::string_view user,
                        std::string& text) {
  text.append(R"({"type":")").append(type).append(R"(","room":")").append(room);
  text.append(R"(","user":")").append(user).append("\"}");
}

// The data of a publication is what its sender made it: no name in it is taken for the server's.
void write_publication(std::string_view publication, std::string_view room, std::string& text) {
  const std::size_t content = find_string(publication, "content");
  const std::size_t end = content == npos ? npos : publication.find('"', content);
  const std::string_view behind = end == npos ? publication : publication.substr(end);
  text.append(room.empty() ? R"({"type":"direct")" : R"({"type":"message","room":")");
  if (!room.empty()) {
    text.append(room).append("\"");
  }
  text.append(R"(,"user":")").append(string_field(behind, "user")).append(R"(","content":")");
  if (end != npos) {
    text.append(publication.substr(content, end - content));
  }
  text.append("\"}");
}

centrifugo_reply read_push(std::string_view reply, std::string& text) {
  const std::size_t channel = find_string(reply, "channel");
  const std::size_t end = channel == npos ? npos : reply.find('"', channel);
  if (end == npos) {
    return centrifugo_reply::other;
  }
  const std::string_view name = reply.substr(channel, end - channel);
  const std::string_view behind = reply.substr(end + 1);
  const bool in_room = name.starts_with(centrifugo_room);
  const std::string_view room = in_room ? name.substr(centrifugo_room.size()) : std::string_view();
  const bool is_known = in_room || name.starts_with(centrifugo_user);
  if (is_known && behind.starts_with(R"(,"pub":)")) {
    write_publication(behind, room, text);
  } else if (in_room && behind.starts_with(R"(,"join":)")) {
    write_announcement("user_joined", room, string_field(behind, "user"), text);
  } else if (in_room && behind.starts_with(R"(,"leave":)")) {
    write_announcement("user_left", room, string_field(behind, "user"), text);
  } else {
    return centrifugo_reply::other;
  }
  return centrifugo_reply::news;
}

// Codes are numbers here, chat/1's are strings.
void write_error(std::string_view reply, std::string& text) {
  constexpr std::string_view code_key = R"("code":)";
  const std::size_t code = reply.find(code_key);
  const std::string_view from = code == npos ? "" : reply.substr(code + code_key.size());
  const std::size_t digits = std::min(from.find_first_not_of("0123456789"), from.size());
  text.append(R"({"type":"error","code":"centrifugo )").append(from.substr(0, digits));
  text.append("\"}");
}

}  // namespace

centrifugo_reply read_centrifugo_reply(std::string_view reply, std::string& text) {
  text.clear();
  if (reply.starts_with(push_head)) {
    return read_push(reply, text);
  }
  if (reply == "{}") {
    return centrifugo_reply::ping;
  }
  if (has(reply, R"("error":{)")) {
    write_error(reply, text);
    const bool refused = reply.starts_with(centrifugo_connect_reply) ||
                         reply.starts_with(centrifugo_subscribed_reply);
    return refused ? centrifugo_reply::refused : centrifugo_reply::news;
  }
  if (reply.starts_with(centrifugo_subscribed_reply)) {
    text = R"({"type":"welcome"})";
    return centrifugo_reply::admitted;
  }
  if (has(reply, R"("rpc":{)")) {
    text = R"({"type":"heartbeat"})";
    return centrifugo_reply::news;
  }
  return centrifugo_reply::other;
}

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace chinwag::load
