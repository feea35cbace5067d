#include "client_stream.hpp"

#include <algorithm>
#include <cctype>

#include "wire.hpp"

namespace simulation {

namespace {

constexpr std::uint16_t protocol_fault = 1002;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (lower(trimmed(list.substr(0, comma))) == token) return true;
    list.remove_prefix(std::min(list.size(), comma + 1));
  }
  return false;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

struct http_head {
  bool good = false;
  std::string method, target, version;
  std::string key, ws_version, upgrade, connection;
  unsigned hosts = 0;
  bool body = false;
};

http_head parse_head(std::string_view head) {
  http_head read;
  std::size_t end = head.find("\r\n");
  const std::string_view line = head.substr(0, end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return read;
  read.method = line.substr(0, first);
  read.target = line.substr(first + 1, last - first - 1);
  read.version = line.substr(last + 1);
  const bool visible = std::all_of(read.target.begin(), read.target.end(),
                                   [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (!is_token(read.method) || !visible || read.target[0] != '/') return read;
  if (read.version != "HTTP/1.1" && read.version != "HTTP/1.0") return read;
  head.remove_prefix(end + 2);
  while (!head.starts_with("\r\n")) {
    end = head.find("\r\n");
    const std::string_view field = head.substr(0, end);
    const std::size_t colon = field.find(':');
    if (colon == field.npos || !is_token(field.substr(0, colon))) return read;
    const std::string name = lower(field.substr(0, colon));
    const std::string_view value = trimmed(field.substr(colon + 1));
    const bool clean = std::all_of(value.begin(), value.end(),
                                   [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
    if (!clean) return read;
    if (name == "host") ++read.hosts;
    if (name == "sec-websocket-key") read.key = value;
    if (name == "sec-websocket-version") read.ws_version = value;
    if (name == "upgrade") read.upgrade = value;
    if (name == "connection") read.connection = value;
    if (name == "content-length" || name == "transfer-encoding") read.body = true;
    head.remove_prefix(end + 2);
  }
  read.good = true;
  return read;
}

// The first `user` of a query (H4); nothing where its decoding is a server's choice (H6).
std::optional<std::string> user_of(std::string_view query, bool& present) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.starts_with("user=")) continue;
    present = true;
    std::string name;
    for (std::size_t i = 5; i < pair.size(); ++i) {
      if (pair[i] == ';') return std::nullopt;
      if (pair[i] != '%') {
        name += pair[i] == '+' ? ' ' : pair[i];
        continue;
      }
      const std::string_view hex = pair.substr(i + 1, 2);
      const bool digits = hex.size() == 2 && std::isxdigit(static_cast<unsigned char>(hex[0])) &&
                          std::isxdigit(static_cast<unsigned char>(hex[1]));
      if (!digits) return std::nullopt;
      name += static_cast<char>(std::stoi(std::string(hex), nullptr, 16));
      i += 2;
    }
    return name;
  }
  return std::string{};
}

}  // namespace

void client_stream::feed(std::string_view bytes, std::uint64_t now_us,
                         std::vector<client_item>& found) {
  now_us_ = now_us;
  if (stage_ == stage::over) return;
  buffer_ += bytes;
  while (stage_ == stage::http && read_http(found)) {
  }
  while ((stage_ == stage::chat || stage_ == stage::echo) && read_frame(found)) {
  }
}

void client_stream::push(client_item item, std::vector<client_item>& found) {
  item.at_us = now_us_;
  item.bytes_end = taken_;
  found.push_back(std::move(item));
}

bool client_stream::read_http(std::vector<client_item>& found) {
  const std::size_t end = buffer_.find("\r\n\r\n");
  const bool complete = end != buffer_.npos;
  const std::size_t size = complete ? end + 4 : buffer_.size();
  if (!complete && size < limits_.header_bytes_max) return false;
  client_item item{
      .what = client_item::kind::http, .head = buffer_.starts_with("HEAD "), .may_end = true};
  if (!complete || size > limits_.header_bytes_max) {
    stage_ = stage::over;
    push(std::move(item), found);
    return false;
  }
  taken_ += size;
  item = read_head(std::string_view(buffer_).substr(0, size));
  buffer_.erase(0, size);
  if (item.what == client_item::kind::upgrade) {
    frame_us_ = now_us_;
    stage_ = item.echo ? stage::echo : stage::chat;
  }
  push(std::move(item), found);
  return true;
}

// Which answers chat/1 and RFC 9110 allow to a request.
client_item client_stream::read_head(std::string_view head) {
  client_item item{.what = client_item::kind::http};
  const http_head read = parse_head(head);
  item.head = read.method == "HEAD";
  const bool reads = read.method == "GET" || read.method == "HEAD";
  item.may_end = !read.good || read.hosts != 1 || read.body || !reads ||
                 read.version == "HTTP/1.0" || has_token(read.connection, "close");
  if (!read.good || read.hosts > 1 || read.body) return item;
  const std::string path = read.target.substr(0, read.target.find('?'));
  if (path == "/health" || path == "/metrics") {
    item.statuses = {200};
  } else if (path != "/ws" && !(limits_.echo && path == "/echo")) {
    item.statuses = {404};
  } else {
    const bool asks = read.method == "GET" && read.version == "HTTP/1.1" &&
                      has_token(read.connection, "upgrade") &&
                      has_token(read.upgrade, "websocket") && read.ws_version == "13" &&
                      read.key == sample_key;
    item.statuses = asks ? std::set<unsigned>{101} : std::set<unsigned>{400, 426};
    item.socket = true;
    item.echo = path == "/echo";
    item.may_end |= !asks;
    bool present = false;
    const std::size_t query = read.target.find('?');
    const auto user =
        user_of(query == read.target.npos ? std::string_view{}
                                          : std::string_view(read.target).substr(query + 1),
                present);
    const bool named = user && valid_utf8(*user) && valid_name(*user);
    if (asks && path == "/ws" && !(user && user->empty()) && !named) {
      item.statuses = {400, 414, 431};
      item.may_end = true;
    } else if (asks && path == "/ws" && user && *user == "server") {  // H19
      item.statuses = {403};
      item.may_end = true;
    } else if (asks) {
      item.what = client_item::kind::upgrade;
      item.user = user.value_or("");
    }
  }
  if (item.head) item.statuses.insert({405, 501});  // H17
  if (!reads) item.statuses.insert({200, 400, 404, 405, 501});
  if (read.hosts == 0) item.statuses.insert(400);
  if (item.what == client_item::kind::upgrade && item.statuses != std::set<unsigned>{101}) {
    item.what = client_item::kind::http;  // no client of the simulation goes on without a Host
  }
  return item;
}

std::size_t client_stream::limit() const {
  return stage_ == stage::echo ? limits_.echo_bytes_max : limits_.message_bytes_max;
}

void client_stream::fault(std::set<std::uint16_t> codes, bool certain,
                          std::vector<client_item>& found) {
  if (certain) stage_ = stage::over;
  if (suspected_ && !certain) return;
  suspected_ = true;
  push({.what = client_item::kind::fault, .codes = std::move(codes), .certain = certain}, found);
}

// What is wrong with the first two bytes of a header, which a server may see at once.
std::optional<client_item> client_stream::early_fault(bool& may_wait) const {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
  const std::uint8_t opcode = byte(0) & 0x0F;
  const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
  client_item item{.what = client_item::kind::fault, .codes = {protocol_fault, broken_off}};
  may_wait = buffer_.size() < 14;
  if ((byte(0) & 0x70) != 0 || !known) return item;
  if (opcode >= 8 && (byte(0) & 0x80) == 0) return item;
  if (opcode == 0 && !in_message_) return item;
  if ((opcode == 1 || opcode == 2) && in_message_) return item;
  if (buffer_.size() < 2) return std::nullopt;
  if ((byte(1) & 0x80) == 0) return item;
  if (opcode >= 8 && (byte(1) & 0x7F) > 125) {
    item.codes.insert(1009);
    return item;
  }
  return std::nullopt;
}

bool client_stream::read_frame(std::vector<client_item>& found) {
  if (buffer_.empty()) return false;
  bool may_wait = false;
  if (const auto early = early_fault(may_wait)) {
    fault(early->codes, !may_wait, found);
    return false;
  }
  if (buffer_.size() < 2) return false;
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
  std::uint64_t length = byte(1) & 0x7F;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  const std::size_t header = 2 + extended + 4;
  if (buffer_.size() < header) return false;
  if (extended > 0) length = 0;
  for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
  const bool shortest = extended == 0 || (extended == 2 ? length > 125 : length > 0xFFFF);
  const bool final = (byte(0) & 0x80) != 0;
  const std::uint8_t opcode = byte(0) & 0x0F;
  if (!shortest || (length >> 63) != 0) {
    fault({protocol_fault, 1009, broken_off}, true, found);
    return false;
  }
  if (opcode < 8 && length > limit() - std::min(limit(), message_.size())) {
    const std::uint8_t type = opcode == 0 ? opcode_ : opcode;
    std::set<std::uint16_t> codes{1009};
    if (type == 2 && stage_ == stage::chat) codes.insert(1003);
    fault(std::move(codes), true, found);
    return false;
  }
  const std::array<unsigned char, 4> key{byte(header - 4), byte(header - 3), byte(header - 2),
                                         byte(header - 1)};
  if (buffer_.size() - header < length) {
    if (opcode == 1 || opcode == 2) {
      // The first frame's type is that of the whole message.
      if (!in_message_) opcode_ = opcode;
    }
    if (opcode < 8) partial_text(std::string_view(buffer_).substr(header), key, found);
    return false;
  }
  std::string payload = buffer_.substr(header, length);
  apply_mask(payload, key);
  taken_ += header + length;
  buffer_.erase(0, header + length);
  if (opcode >= 8) {
    frame_us_ = now_us_;
    control(opcode, std::move(payload), found);
  } else {
    if (opcode != 0) opcode_ = opcode;
    data(final, std::move(payload), found);
  }
  return true;
}

// Text that can't become UTF-8 any more may be refused before its frame is complete.
void client_stream::partial_text(std::string_view payload, const std::array<unsigned char, 4>& key,
                                 std::vector<client_item>& found) {
  if (opcode_ != 1 || suspected_) return;
  std::string plain(payload);
  apply_mask(plain, key);
  if (check_utf8(message_ + plain) == utf8_state::broken) fault({1007}, false, found);
}

void client_stream::control(std::uint8_t opcode, std::string payload,
                            std::vector<client_item>& found) {
  if (opcode == 10) return;
  if (opcode == 9) {
    push({.what = client_item::kind::ping, .payload = std::move(payload)}, found);
    return;
  }
  stage_ = stage::over;
  client_item item{.what = client_item::kind::close, .codes = {no_code, 1000}};
  if (payload.size() == 1) item.codes.insert({protocol_fault, broken_off});
  if (payload.size() >= 2) {
    const auto code = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1]));
    item.codes.insert(code);
    if (kind_of_close(code) != code_kind::valid) item.codes.insert({protocol_fault, broken_off});
    if (kind_of_close(code) == code_kind::invalid) item.codes = {protocol_fault, broken_off};
    if (!valid_utf8(std::string_view(payload).substr(2))) {
      item.codes = {1007, protocol_fault, broken_off};
    }
  }
  push(std::move(item), found);
}

void client_stream::data(bool final, std::string payload, std::vector<client_item>& found) {
  in_message_ = true;
  message_ += payload;
  const bool text = opcode_ == 1;
  if (!final) {
    if (text && check_utf8(message_) == utf8_state::broken) fault({1007}, false, found);
    if (!text && stage_ == stage::chat) fault({1003}, false, found);
    return;
  }
  in_message_ = false;
  frame_us_ = now_us_;
  std::string whole;
  whole.swap(message_);
  if (text && !valid_utf8(whole)) return fault({1007}, true, found);
  if (!text && stage_ == stage::chat) return fault({1003}, true, found);
  client_item item{.what = text ? client_item::kind::text : client_item::kind::binary};
  if (stage_ == stage::chat) item.message = read_message(whole);
  if (item.message.what == asked_message::kind::malformed) {
    // Where requests before it wait for verdicts, what follows may be seen before it is.
    push({.what = client_item::kind::fault, .codes = {1003}}, found);
    return;
  }
  item.payload = std::move(whole);
  push(std::move(item), found);
}

}  // namespace simulation
