// Pages of a room's log that many connections refer to, in place of a copy for each.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "chat_client.hpp"
#include "connection/flusher.hpp"
#include "host/kernel.hpp"
#include "shard_parts.hpp"
#include "stepped_shard.hpp"

namespace chinwag {
namespace {

using test::chat_client;
using test::shard_parts;
using test::stepped_shard;
using test::take_server_frames;

// A room of so many members who have all that was said so far.
struct full_room {
  explicit full_room(int members, const options& limits = test::unhurried())
      : parts(limits),
        end_of_turn(parts.shared, parts.boxes, parts.out, parts.places,
                    [](connection_id, delivery) {}) {
    for (int i = 0; i < members; ++i) {
      parts.places.join(parts.connect("member" + std::to_string(i)), "a");
    }
    settle();
  }

  void settle() {
    end_of_turn.begin(UINT64_MAX);
    end_of_turn.flush_outboxes();
    while (!end_of_turn.flush_rooms()) {
    }
    parts.wires.clear();
    parts.sends = parts.copies = parts.loans = 0;
  }

  void say(int times, std::size_t bytes) {
    for (int i = 0; i < times; ++i) parts.publish("a", std::string(bytes, 'x'));
  }

  // What is wrong with what the wires got since: each has to have so many whole frames.
  std::string missing(int members, std::size_t frames) {
    for (int wire = 0; wire < members; ++wire) {
      std::string bytes = parts.wires[wire];
      const std::size_t got = take_server_frames(bytes).size();
      if (got != frames || !bytes.empty()) {
        return "member " + std::to_string(wire) + ": " + std::to_string(got) + " frames and " +
               std::to_string(bytes.size()) + " bytes";
      }
      if (parts.wires[wire] != parts.wires[0]) return "member " + std::to_string(wire) + " differs";
    }
    return {};
  }

  shard_parts parts;
  flusher end_of_turn;
};

TEST(lending, what_most_members_get_is_lent_once_for_all) {
  full_room room(20);
  room.say(20, 1'000);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.sends, 20U);
  EXPECT_EQ(room.parts.copies, 0U);
  EXPECT_EQ(room.parts.loans, 1U);
  EXPECT_TRUE(room.parts.lent.empty()) << "the loan ends with the pass";
  EXPECT_EQ(room.missing(20, 20), "");
}

// Those who have fallen behind together, too.
TEST(lending, what_a_second_member_in_a_row_gets_is_lent) {
  full_room room(20);
  room.say(10, 1'000);
  for (connection_id id = 0; id < 10; ++id) room.parts.out.deliver(id);
  room.parts.loans = room.parts.copies = 0;
  room.say(20, 1'000);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.loans, 2U);
  EXPECT_EQ(room.parts.copies, 1U) << "the first of those who were served before";
  EXPECT_EQ(room.missing(20, 30), "");
}

// What comes in the middle of a pass waits for the next one, and so all keep the same distance.
TEST(lending, a_loan_outlasts_the_turns_that_its_pass_takes) {
  options limits = test::unhurried();
  limits.sends_per_room_turn = 7;
  full_room room(20, limits);
  for (int pass = 0; pass < 3; ++pass) {
    room.say(20, 1'000);
    for (int slice = 0; slice < 3; ++slice) {
      room.say(20, 1'000);
      room.end_of_turn.flush_rooms();
    }
  }
  EXPECT_EQ(room.parts.sends, 3U * 20);
  EXPECT_EQ(room.parts.copies, 0U);
  EXPECT_EQ(room.parts.loans, 3U);
  for (int wire = 1; wire < 20; ++wire) {
    EXPECT_EQ(room.parts.wires[wire].substr(0, 60'000), room.parts.wires[0].substr(0, 60'000));
  }
}

// The pass has gone by it while it was blocked, and nothing else would wake it.
TEST(lending, a_member_that_was_blocked_when_its_turn_came_gets_the_same_news_once_it_is_not) {
  options limits = test::unhurried();
  limits.sends_per_room_turn = 3;
  full_room room(20, limits);
  shard_parts& parts = room.parts;
  const auto flush = [&](int slices) {
    for (bool done = false; !done && slices > 0; --slices) {
      for (int wire = 0; wire < 20; ++wire) parts.room_on_wire.try_emplace(wire, SIZE_MAX);
      done = room.end_of_turn.flush_rooms();
      for (auto& [wire, bytes] : parts.room_on_wire) bytes = SIZE_MAX;
    }
  };
  const room_id place = parts.places.find("a");
  const member_id first = parts.shared.links.rooms[place].first_member;
  const connection_id blocked = parts.shared.truth.members[first].connection;
  const int its_wire = static_cast<int>(blocked);
  parts.unlimited = false;
  parts.room_on_wire[its_wire] = 10'000;
  room.say(1, 20'000);
  flush(20);
  ASSERT_TRUE(parts.shared.truth.connections[blocked].blocked);
  room.say(1, 20'000);
  flush(1);
  ASSERT_FALSE(parts.lent.empty()) << "others have a loan, and their turns are to come";
  parts.shared.links.connections[blocked].writable = true;
  parts.shared.links.writable.push_back(parts.shared.handle_of(blocked));
  parts.room_on_wire[its_wire] = SIZE_MAX;
  room.end_of_turn.flush_writable();
  flush(20);
  EXPECT_EQ(room.missing(20, 2), "");
}

TEST(lending, little_is_copied) {
  full_room room(20);
  room.say(1, room.parts.threshold.bytes / 2);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.copies, 20U);
  EXPECT_EQ(room.parts.loans, 0U);
}

TEST(lending, few_get_copies) {
  full_room room(static_cast<int>(kernel::worth_lending().connections) - 1);
  room.say(20, 1'000);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.loans, 0U);
}

TEST(lending, where_nothing_can_be_lent_all_is_copied) {
  full_room room(20);
  room.parts.lent_max = 0;
  room.say(20, 1'000);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.copies, 20U);
  EXPECT_EQ(room.missing(20, 20), "");
}

// A pipe may hold less than what waits, and its end lies anywhere.
TEST(lending, a_part_ends_with_a_frame_and_the_rest_is_copied) {
  full_room room(20);
  for (const std::size_t held : {1U, 1'000U, 5'000U, 20'000U, 1'000'000U}) {
    room.parts.lent_max = held;
    room.say(20, 1'500);
    EXPECT_TRUE(room.end_of_turn.flush_rooms());
    EXPECT_EQ(room.missing(20, 20), "") << held;
    EXPECT_EQ(room.parts.shared.truth.connections[5].open_left, 0U);
    room.settle();
  }
}

// Its answers do not wait for the pass over its room, which takes a while; the room's news do.
TEST(lending, a_member_with_messages_of_its_own_gets_those_first_and_the_loan_with_all) {
  full_room room(20);
  room.say(20, 1'000);
  room.parts.boxes.add(7, heartbeat_message("1"));
  room.end_of_turn.flush_outboxes();
  EXPECT_EQ(take_server_frames(room.parts.wires[7]).size(), 1U);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.sends, 21U);
  EXPECT_EQ(room.parts.copies, 1U);
  EXPECT_EQ(room.parts.loans, 1U);
  EXPECT_EQ(room.missing(20, 20), "");
}

TEST(lending, messages_of_its_own_in_the_middle_of_a_pass_leave_a_member_in_step) {
  options limits = test::unhurried();
  limits.sends_per_room_turn = 7;
  full_room room(20, limits);
  room.say(20, 1'000);
  EXPECT_FALSE(room.end_of_turn.flush_rooms());
  for (const connection_id id : {3U, 15U}) room.parts.boxes.add(id, heartbeat_message("1"));
  room.end_of_turn.flush_outboxes();
  EXPECT_EQ(take_server_frames(room.parts.wires[15]).size(), 1U);
  while (!room.end_of_turn.flush_rooms()) {
  }
  EXPECT_EQ(room.parts.loans, 1U);
  EXPECT_EQ(room.parts.copies, 2U) << "those messages";
}

// Little is not worth a second system call.
TEST(lending, little_goes_out_with_messages_of_its_own) {
  full_room room(20);
  room.say(1, 1'000);
  room.parts.boxes.add(7, heartbeat_message("1"));
  room.end_of_turn.flush_outboxes();
  EXPECT_EQ(room.parts.sends, 1U);
  EXPECT_EQ(take_server_frames(room.parts.wires[7]).size(), 2U);
}

TEST(lending, a_member_that_was_behind_comes_into_step_with_the_others) {
  full_room room(20);
  room.parts.unlimited = false;
  for (int wire = 0; wire < 20; ++wire)
    room.parts.room_on_wire[wire] = wire == 7 ? 3'000 : SIZE_MAX;
  room.say(20, 1'000);
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  room.parts.unlimited = true;
  room.say(20, 1'000);
  room.parts.shared.is_writable(7);
  room.end_of_turn.flush_writable();
  EXPECT_EQ(room.parts.copies, 1U) << "what the others had already";
  EXPECT_TRUE(room.end_of_turn.flush_rooms());
  EXPECT_EQ(room.parts.copies, 1U);
  EXPECT_EQ(room.parts.loans, 2U);
  EXPECT_EQ(room.missing(20, 40), "");
}

TEST(lending, before_a_close_frame_everything_goes_out) {
  full_room room(20);
  room.say(20, 1'000);
  test_access::set(room.parts.shared.truth.connections[7].phase, connection_phase::closing);
  test_access::set(room.parts.shared.truth.connections[7].close_with, close_code::normal);
  EXPECT_EQ(room.parts.out.deliver(7), delivery::finished);
  EXPECT_EQ(take_server_frames(room.parts.wires[7]).size(), 21U);
}

// Wires take what they like, members come and go, own messages come between: everyone gets whole
// frames and each message of the room once.
TEST(lending, whatever_the_wires_take_frames_stay_whole_and_in_order) {
  std::mt19937 random(11);
  options limits = test::unhurried();
  limits.sends_per_room_turn = 7;
  full_room room(20, limits);
  room.parts.unlimited = false;
  room.parts.threshold = {.bytes = 2'000, .connections = 3};
  std::size_t said = 0;
  for (int step = 0; step < 3'000; ++step) {
    for (std::uint32_t count = random() % 4; count > 0; --count) {
      room.parts.publish("a", std::to_string(said++) + std::string(random() % 900, 'x'));
    }
    if (random() % 3 == 0)
      room.parts.boxes.add(static_cast<connection_id>(random() % 20), heartbeat_message("1"));
    room.parts.lent_max = random() % 3 == 0 ? random() % 5'000 : SIZE_MAX;
    for (int wire = 0; wire < 20; ++wire) {
      room.parts.room_on_wire[wire] = random() % 4 == 0 ? random() % 3'000 : SIZE_MAX;
    }
    room.end_of_turn.begin(UINT64_MAX);
    room.end_of_turn.flush_outboxes();
    room.end_of_turn.flush_rooms();
    // What the loop does once a socket is writable again.
    for (connection_id id = 0; id < 20; ++id) {
      room.parts.room_on_wire[static_cast<int>(id)] = random() % 2'000;
      if (room.parts.shared.truth.connections[id].blocked) room.parts.out.deliver(id);
    }
  }
  EXPECT_GT(room.parts.loans, 300U);
  room.parts.unlimited = true;
  for (connection_id id = 0; id < 20; ++id) room.parts.out.deliver(id);
  for (int wire = 0; wire < 20; ++wire) {
    std::size_t next = 0;
    for (const auto& frame : take_server_frames(room.parts.wires[wire])) {
      const std::size_t at = frame.payload.find("\"content\":\"");
      if (at == std::string::npos) continue;
      ASSERT_EQ(std::stoul(frame.payload.substr(at + 11)), next) << "member " << wire;
      ++next;
    }
    EXPECT_EQ(next, said) << "member " << wire;
    EXPECT_TRUE(room.parts.wires[wire].empty());
  }
}

std::vector<std::unique_ptr<chat_client>> twelve_members(stepped_shard& server) {
  std::vector<std::unique_ptr<chat_client>> members;
  for (int i = 0; i < 12; ++i) {
    members.push_back(server.connect("m" + std::to_string(i)));
    members.back()->send(R"({"type":"join","room":"a"})");
    server.turns(2);
  }
  return members;
}

// Real sockets: what waits unread in the kernel must not change when the log goes on, is given back
// and is written anew.
TEST(lending, what_a_slow_reader_has_yet_to_read_stays_as_it_was) {
  options settings{.port = 0};
  settings.requests_per_second_max = 0;
  settings.room_backlog_bytes_max = 16U * 1024 * 1024;
  stepped_shard server(settings);
  const std::vector<std::unique_ptr<chat_client>> members = twelve_members(server);
  constexpr int bursts = 12;
  constexpr int each = 10;
  std::vector<int> next(members.size(), 0);
  const auto read_some = [&](std::size_t member, int count) {
    while (count > 0) {
      const std::string text = members[member]->text();
      ASSERT_FALSE(text.empty());
      const std::size_t at = text.find("\"content\":\"");
      if (at == std::string::npos) continue;
      const std::string wanted = std::to_string(next[member]++);
      ASSERT_EQ(text.substr(at + 11, wanted.size()), wanted);
      ASSERT_EQ(text.find_first_not_of(static_cast<char>('a' + next[member] % 26),
                                       at + 11 + wanted.size()),
                text.find('"', at + 11 + wanted.size()));
      --count;
    }
  };
  int said = 0;
  for (int burst = 0; burst < bursts; ++burst) {
    std::string wire;
    for (int i = 0; i < each; ++i, ++said) {
      const std::string content =
          std::to_string(said) + std::string(3'000, static_cast<char>('a' + (said + 1) % 26));
      wire += test::client_frame(opcode::text,
                                 R"({"type":"message","room":"a","content":")" + content + "\"}");
    }
    members[0]->send_raw(wire);
    server.turns(20);
    // Member 5 reads nothing before the end; the others keep up.
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (i != 5) read_some(i, each);
    }
  }
  server.turns(20);
  for (int i = 0; i < bursts * each; ++i) {
    server.turns(1);
    read_some(5, 1);
  }
}

void drop_input(int descriptor) {
  std::array<char, 65'536> unread;
  while (::recv(descriptor, unread.data(), unread.size(), MSG_DONTWAIT) > 0) {
  }
}

// What it starts would inherit that SIGPIPE is held back.
TEST(lending, a_handler_that_is_called_amid_a_pass_has_its_thread_s_signals) {
  int closed = 0;
  bool held = false;
  handlers called;
  called.close = [&](connection_handle, std::string_view, std::uint16_t) {
    sigset_t now;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &now);
    held = held || ::sigismember(&now, SIGPIPE) == 1;
    ++closed;
  };
  options settings{.port = 0};
  settings.requests_per_second_max = 0;
  stepped_shard server(settings, std::move(called));
  const std::vector<std::unique_ptr<chat_client>> members = twelve_members(server);
  // The first and the last of them read nothing: whichever way a pass goes, one of the two comes
  // after those who read.
  EXPECT_TRUE(test::eventually([&] {
    server.loop.post([](program_calls& calls) {
      for (int i = 0; i < 10; ++i) calls.publish("a", std::string(15'000, 'x'), "server");
    });
    server.turns(5);
    for (std::size_t i = 1; i + 1 < members.size(); ++i) drop_input(members[i]->descriptor());
    return closed >= 2;
  }));
  EXPECT_FALSE(held);
}

struct pair_of_sockets {
  pair_of_sockets() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener, 1);
    socklen_t size = sizeof at;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
    client = ::socket(AF_INET, SOCK_STREAM, 0);
    ::connect(client, reinterpret_cast<sockaddr*>(&at), sizeof at);
    server = ::accept(listener, nullptr, nullptr);
    ::close(listener);
  }
  ~pair_of_sockets() {
    ::close(client);
    ::close(server);
  }
  std::string read(std::size_t bytes) const {
    std::string all(bytes, '\0');
    all.resize(static_cast<std::size_t>(::recv(client, all.data(), bytes, MSG_WAITALL)));
    return all;
  }

  int client = -1;
  int server = -1;
};

TEST(pages, are_sent_as_they_were_lent_though_they_are_renewed_and_written_anew) {
  constexpr std::size_t bytes = 32 * 1024;
  char* const memory = kernel::map_pages(bytes);
  kernel::page_lender lender;
  kernel::open_lender(lender);
  const pair_of_sockets one;
  const pair_of_sockets other;
  std::fill_n(memory, bytes, 'o');
  const iovec all{memory + 100, bytes - 100};
  ASSERT_EQ(kernel::lend(lender, {&all, 1}), bytes - 100);
  EXPECT_EQ(kernel::send_lent(lender, one.server, bytes - 100), ssize_t{bytes - 100});
  EXPECT_EQ(kernel::send_lent(lender, other.server, 1'000), 1'000);
  kernel::end_loan(lender);
  EXPECT_TRUE(kernel::renew_pages(memory, bytes));
  std::fill_n(memory, bytes, 'n');
  EXPECT_EQ(one.read(bytes - 100), std::string(bytes - 100, 'o'));
  EXPECT_EQ(other.read(1'000), std::string(1'000, 'o'));
  const iovec again{memory, 500};
  ASSERT_EQ(kernel::lend(lender, {&again, 1}), 500U) << "nothing is left of the loan before";
  EXPECT_EQ(kernel::send_lent(lender, one.server, 500), 500);
  EXPECT_EQ(one.read(500), std::string(500, 'n'));
  kernel::close_lender(lender);
  kernel::unmap_pages(memory, bytes);
}

int pipe_signals = 0;

struct counted_pipe_signals {
  counted_pipe_signals() {
    struct sigaction counting {};
    counting.sa_handler = [](int) { ++pipe_signals; };
    pipe_signals = 0;
    ::sigaction(SIGPIPE, &counting, &before);
  }
  ~counted_pipe_signals() { ::sigaction(SIGPIPE, &before, nullptr); }

  struct sigaction before {};
};

// A program that has not asked for anything of the kind must not die by it.
TEST(pages, a_connection_that_is_gone_raises_no_signal) {
  const counted_pipe_signals counted;
  char* const memory = kernel::map_pages(4'096);
  kernel::page_lender lender;
  kernel::open_lender(lender);
  const pair_of_sockets gone;
  ::shutdown(gone.server, SHUT_WR);
  memory[0] = 'x';
  const iovec all{memory, 100};
  ASSERT_EQ(kernel::lend(lender, {&all, 1}), 100U);
  EXPECT_EQ(kernel::send_lent(lender, gone.server, 100), -EPIPE);
  kernel::end_loan(lender);
  EXPECT_EQ(pipe_signals, 0);
  ::raise(SIGPIPE);
  EXPECT_EQ(pipe_signals, 1) << "one of the program's own comes as before";
  kernel::close_lender(lender);
  kernel::unmap_pages(memory, 4'096);
}

// A large one goes in parts, and the first may draw the reset that another one meets.
TEST(pages, a_connection_that_ends_amid_a_send_raises_no_signal) {
  const counted_pipe_signals counted;
  constexpr std::size_t bytes = 512 * 1024;
  char* const memory = kernel::map_pages(bytes);
  std::fill_n(memory, bytes, 'x');
  kernel::page_lender lender;
  kernel::open_lender(lender);
  for (int i = 0; i < 20; ++i) {
    pair_of_sockets gone;
    ::close(std::exchange(gone.client, -1));
    const iovec all{memory, bytes};
    const std::size_t lent = kernel::lend(lender, {&all, 1});
    ASSERT_GT(lent, 0U);
    kernel::send_lent(lender, gone.server, lent);
    kernel::end_loan(lender);
  }
  EXPECT_EQ(pipe_signals, 0);
  kernel::close_lender(lender);
  kernel::unmap_pages(memory, bytes);
}

// madvise(2) refuses to give locked pages back.
TEST(pages, that_are_locked_are_not_written_anew_while_they_are_lent) {
  constexpr std::size_t bytes = 16 * 1024;
  char* const memory = kernel::map_pages(bytes);
  std::fill_n(memory, bytes, 'o');
  if (::mlock(memory, bytes) != 0) GTEST_SKIP() << "no memory can be locked";
  kernel::page_lender lender;
  kernel::open_lender(lender);
  const pair_of_sockets one;
  const iovec all{memory, bytes};
  ASSERT_EQ(kernel::lend(lender, {&all, 1}), bytes);
  EXPECT_EQ(kernel::send_lent(lender, one.server, bytes), ssize_t{bytes});
  kernel::end_loan(lender);
  EXPECT_TRUE(kernel::renew_pages(memory, bytes));
  std::fill_n(memory, bytes, 'n');
  EXPECT_EQ(one.read(bytes), std::string(bytes, 'o'));
  kernel::close_lender(lender);
  kernel::unmap_pages(memory, bytes);
}

TEST(pages, without_descriptors_nothing_is_lent) {
  kernel::page_lender never_opened;
  const std::string text = "text";
  const iovec all{const_cast<char*>(text.data()), text.size()};
  EXPECT_EQ(kernel::lend(never_opened, {&all, 1}), 0U);
  kernel::end_loan(never_opened);
}

}  // namespace
}  // namespace chinwag
