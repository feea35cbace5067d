#include "socket_writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <list>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

namespace net = boost::asio;
using net::ip::tcp;
using namespace std::string_view_literals;

/// Whether nobody is left to read it: then a log gives up all but its last chunk.
bool has_no_reader(frame_log& log) {
  std::vector<piece> pieces;
  log_reader probe(log);
  log.append("x");
  probe.take(pieces);
  auto const first = pieces.front().in;
  log.append(std::string(2 * frame_log::chunk_bytes_max, 'x'));
  probe.take(pieces);
  pieces.clear();
  return first->use_count() == 1;
}

/// A writer, and a client that reads what it wrote.
struct peer {
  explicit peer(net::io_context& io) : client(io) {
    net::basic_socket_acceptor<tcp, tcp_executor> acceptor(
        io, tcp::endpoint(net::ip::address_v4::loopback(), 0));
    acceptor.set_option(net::socket_base::receive_buffer_size(4'096));
    client.open(tcp::v4());
    client.set_option(net::socket_base::receive_buffer_size(4'096));
    client.connect(acceptor.local_endpoint());
    client.non_blocking(true);
    tcp_stream stream(acceptor.accept());
    stream.socket().non_blocking(true);
    stream.socket().set_option(net::socket_base::send_buffer_size(4'096));
    writer = std::make_shared<socket_writer>(std::move(stream));
  }
  ~peer() { writer->end(); }  // as the layer does

  void read(std::size_t most) {
    std::string some(most, '\0');
    boost::system::error_code failed;
    got.append(some, 0, client.read_some(net::buffer(some), failed));
  }

  net::basic_stream_socket<tcp, tcp_executor> client;
  std::shared_ptr<socket_writer> writer;
  std::string got;
};

class a_socket_writer : public testing::Test {
 protected:
  a_socket_writer() { net::make_service<turn>(io_); }

  void run() {
    io_.restart();
    io_.poll();
  }

  /// Whatever the turn has not written is in the socket afterwards; the client reads to its end.
  std::string all_of(peer& one) {
    run();
    while (!one.writer->flush()) {
      run();
      one.read(1 << 20);
    }
    one.writer->stream.socket().shutdown(tcp::socket::shutdown_send);
    one.client.non_blocking(false);
    boost::system::error_code failed;
    net::read(one.client, net::dynamic_buffer(one.got), failed);
    return one.got;
  }

  net::io_context io_;
};

TEST_F(a_socket_writer, writes_rooms_and_its_own_frames_in_the_order_in_which_they_came) {
  frame_log room;
  peer one(io_);
  one.writer->follow(room);
  one.writer->add_text("1");
  room.append("2");
  one.writer->add_text("3");
  one.writer->add_from_beast(
      "\x8A\x01"
      "4");
  room.append("5");
  EXPECT_EQ(all_of(one),
            "\x81\x01"
            "1"
            "2"
            "\x81\x01"
            "3"
            "\x8A\x01"
            "4"
            "5");
}

TEST_F(a_socket_writer, writes_at_the_end_of_the_turn_and_not_before) {
  peer one(io_);
  one.writer->add_text("1");
  one.read(10);
  EXPECT_EQ(one.got, "");
  run();
  one.read(10);
  EXPECT_EQ(one.got,
            "\x81\x01"
            "1");
}

TEST_F(a_socket_writer, is_not_written_again_when_a_room_has_taken_its_news_along) {
  peer one(io_);
  one.writer->add_text("1");
  EXPECT_TRUE(one.writer->is_linked());
  EXPECT_FALSE(one.writer->lags_behind());  // as a room asks its members
  EXPECT_FALSE(one.writer->is_linked());
}

TEST_F(a_socket_writer, follows_a_log_from_its_end_to_where_it_is_left) {
  frame_log room;
  peer one(io_);
  room.append("before");
  one.writer->follow(room);
  room.append("between");
  one.writer->unfollow(room);
  room.append("behind");
  EXPECT_EQ(all_of(one), "between");
}

TEST_F(a_socket_writer, keeps_no_chunk_of_a_log_that_it_left_for_a_few_bytes) {
  frame_log left;
  frame_log other;
  peer one(io_);
  one.writer->follow(left);
  one.writer->follow(other);
  other.append("1");
  left.append("2");
  one.writer->unfollow(left);
  EXPECT_TRUE(has_no_reader(left));
  other.append("3");
  EXPECT_EQ(all_of(one), "123");
}

TEST_F(a_socket_writer, holds_too_much_once_it_has_left_many_logs_behind_a_full_socket) {
  peer one(io_);
  std::string const some(3'000, 'x');
  std::size_t left = 0;
  for (; !one.writer->holds_too_much(); left += some.size()) {
    ASSERT_LT(left, 64U << 20);
    frame_log room;
    one.writer->follow(room);
    room.append(some);
    one.writer->unfollow(room);
    one.writer->write_news();
  }
  EXPECT_EQ(all_of(one).size(), left);
}

TEST_F(a_socket_writer, closes_behind_what_waits_and_holds_no_log_afterwards) {
  frame_log room;
  peer one(io_);
  one.writer->follow(room);
  room.append("last words");
  one.writer->add_from_beast("\x88\0"sv);
  room.append("unheard");
  one.writer->add_text("unheard");
  EXPECT_EQ(all_of(one), "last words\x88\0"sv);
  EXPECT_TRUE(has_no_reader(room));
}

TEST_F(a_socket_writer, lags_behind_once_more_than_the_limit_waits_for_a_full_socket) {
  frame_log room;
  peer one(io_);
  one.writer->follow(room);
  std::string const some(10'000, 'x');
  std::size_t sent = 0;
  for (; !one.writer->lags_behind(); sent += some.size()) {
    ASSERT_LT(sent, 64U << 20);
    room.append(some);
  }
  EXPECT_GT(sent, outbox_bytes_max);
  EXPECT_FALSE(one.writer->makes_room_for(0));
  EXPECT_EQ(one.writer->add_from_beast("\x8A\0"sv), net::error::no_buffer_space);
  EXPECT_EQ(all_of(one).size(), sent);
  EXPECT_TRUE(one.writer->makes_room_for(outbox_bytes_max));
}

TEST_F(a_socket_writer, holds_nothing_for_a_client_that_is_gone) {
  frame_log room;
  peer one(io_);
  one.writer->follow(room);
  one.client.set_option(net::socket_base::linger(true, 0));
  one.client.close();
  for (int i = 0; i < 3; ++i) {
    room.append("x");
    one.writer->flush();
    run();
  }
  EXPECT_TRUE(has_no_reader(room));
}

struct member {
  explicit member(net::io_context& io) : at(io) {}

  peer at;
  std::set<std::size_t> rooms;
  std::deque<std::string> due;  // for it alone
  std::map<std::size_t, std::deque<std::string>> due_of_room;
};

/// Several rooms and members, whose clients read little at a time. Texts say where they are from,
/// and each of a member's own says how much of every room has to be there before it.
class members_at_random : public a_socket_writer, public testing::WithParamInterface<unsigned> {
 protected:
  static constexpr std::size_t room_count = 3;

  members_at_random() {
    for (int i = 0; i < 4; ++i) members_.emplace_back(io_);
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string padding() { return std::string(below(20) == 0 ? below(9'000) : below(60), '.'); }

  void publish(std::size_t in) {
    auto const text = std::to_string(in) + " " + std::to_string(said_[in]++) + padding();
    rooms_[in].append_text(text);
    for (auto& each : members_) {
      if (!each.rooms.contains(in)) continue;
      each.due_of_room[in].push_back(text);
      if (below(3) == 0) each.at.writer->write_news();
    }
  }

  void say_to(member& who) {
    auto text = "own " + std::to_string(own_++);
    for (auto const room : who.rooms) {
      text += " " + std::to_string(room) + ":" + std::to_string(said_[room]);
    }
    who.at.writer->add_text(text);
    who.due.push_back(text);
  }

  void come_or_go(member& who, std::size_t in) {
    if (who.rooms.erase(in) > 0) return who.at.writer->unfollow(rooms_[in]);
    who.at.writer->follow(rooms_[in]);
    who.rooms.insert(in);
  }

  void step() {
    auto& who = *std::next(members_.begin(), static_cast<std::ptrdiff_t>(below(members_.size())));
    switch (below(10)) {
      case 0:
        return come_or_go(who, below(room_count));
      case 1:
        return say_to(who);
      case 2:
        return run();
      case 3:
      case 4:
        return who.at.read(below(3'000));
      default:
        return publish(below(room_count));
    }
  }

  /// The texts of all frames, and nothing but frames.
  static std::deque<std::string> texts_of(std::string_view bytes) {
    std::deque<std::string> texts;
    while (bytes.size() >= 2 && bytes[0] == '\x81') {
      std::size_t length = static_cast<unsigned char>(bytes[1]), header = 2;
      if (length == 126) {
        length = static_cast<unsigned char>(bytes[2]) << 8U | static_cast<unsigned char>(bytes[3]);
        header = 4;
      }
      texts.emplace_back(bytes.substr(header, length));
      bytes.remove_prefix(header + length);
    }
    EXPECT_TRUE(bytes.empty());
    return texts;
  }

  void check(member& who) {
    std::map<std::size_t, std::size_t> heard;  // behind the last text of a room
    for (auto const& text : texts_of(all_of(who.at))) {
      if (text.starts_with("own ")) {
        ASSERT_FALSE(who.due.empty());
        ASSERT_EQ(text, who.due.front());
        who.due.pop_front();
        check_place(text, who, heard);
      } else {
        auto const room = std::stoul(text);
        auto& due = who.due_of_room[room];
        ASSERT_FALSE(due.empty());
        ASSERT_EQ(text, due.front());
        due.pop_front();
        heard[room] = std::stoul(text.substr(2)) + 1;
      }
    }
    EXPECT_TRUE(who.due.empty());
    for (auto const& [room, due] : who.due_of_room) EXPECT_TRUE(due.empty());
  }

  /// All that its rooms had said has come before a member's own text, and nothing that they said
  /// later.
  static void check_place(std::string const& own, member& who,
                          std::map<std::size_t, std::size_t>& heard) {
    for (auto at = own.find(' ', 4); at != own.npos; at = own.find(' ', at + 1)) {
      auto const room = std::stoul(own.substr(at + 1));
      auto const said = std::stoul(own.substr(own.find(':', at) + 1));
      auto const& later = who.due_of_room[room];
      EXPECT_LE(heard[room], said);
      if (later.empty()) continue;
      EXPECT_GE(std::stoul(later.front().substr(2)), said);
    }
  }

  std::mt19937 random_{GetParam()};
  std::array<frame_log, room_count> rooms_;
  std::array<std::size_t, room_count> said_{};
  std::size_t own_ = 0;
  std::list<member> members_;
};

TEST_P(members_at_random, get_each_text_once_and_in_order) {
  for (int i = 0; i < 2'000; ++i) step();
  for (auto& each : members_) check(each);
  members_.clear();
  for (auto& each : rooms_) EXPECT_TRUE(has_no_reader(each));
}

INSTANTIATE_TEST_SUITE_P(seeds, members_at_random, testing::Range(1U, 9U));

}  // namespace
