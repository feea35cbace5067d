#include "turn.hpp"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <thread>

namespace {

namespace net = boost::asio;
using namespace std::chrono_literals;

class noted final : public news_source {
 public:
  noted(std::string& notes, char name, std::chrono::milliseconds takes = 0ms)
      : notes_(notes), name_(name), takes_(takes) {}

  void write_news() override {
    notes_ += name_;
    std::this_thread::sleep_for(takes_);
  }

 private:
  std::string& notes_;
  char name_;
  std::chrono::milliseconds takes_;
};

TEST(turn, writes_in_the_order_in_which_news_came) {
  net::io_context io;
  auto& one = net::make_service<turn>(io);
  std::string notes;
  noted a(notes, 'a'), b(notes, 'b');
  one.add(b);
  one.add(a);
  one.add(b);
  EXPECT_EQ(notes, "");
  io.run();
  EXPECT_EQ(notes, "ba");
}

TEST(turn, reads_between_long_parts_of_writing) {
  net::io_context io;
  auto& one = net::make_service<turn>(io);
  std::string notes;
  noted a(notes, 'a', 5ms), b(notes, 'b', 5ms), c(notes, 'c');
  one.add(a);
  one.add(b);
  net::post(io, [&] {
    notes += '-';
    one.add(c);
    one.add(a);
  });
  io.run();
  EXPECT_EQ(notes, "a-bca");
}

TEST(turn, reads_on_while_much_comes) {
  net::io_context io;
  auto& one = net::make_service<turn>(io);
  std::string notes;
  std::list<noted> many;
  auto const come = [&] {
    for (int i = 0; i < 100; ++i) one.add(many.emplace_back(notes, 'x'));
  };
  come();
  net::post(io, [&] {
    come();
    net::post(io, [&] {
      EXPECT_EQ(notes, "");
      come();
    });
  });
  io.run();
  EXPECT_EQ(notes, std::string(300, 'x'));
}

TEST(turn, writes_all_at_once_after_a_delay) {
  net::io_context io;
  auto& one = net::make_service<turn>(io, 1ms);
  std::string notes;
  noted a(notes, 'a', 5ms), b(notes, 'b', 5ms);
  one.add(a);
  one.add(b);
  while (notes.empty()) io.run_one();
  EXPECT_EQ(notes, "ab");
}

TEST(turn, forgets_who_is_gone) {
  net::io_context io;
  auto& one = net::make_service<turn>(io);
  std::string notes;
  {
    noted gone(notes, 'x');
    one.add(gone);
  }
  noted a(notes, 'a');
  one.add(a);
  io.run();
  EXPECT_EQ(notes, "a");
}

}  // namespace
