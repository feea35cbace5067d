#include "redis_backplane.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace chinwagd {

namespace {

using milliseconds = std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

// Channels of other programs in the same Redis begin with something else; the number is the
// version of what is carried in them.
constexpr std::string_view prefix = "chinwag1:";

constexpr milliseconds first_delay{50};
constexpr milliseconds longest_delay{2'000};
// How often a node publishes to itself, and after how long without hearing it Redis counts as gone:
// it may stand still while it writes a snapshot, and a link may be cut and heal.
constexpr milliseconds beat_every{1'000};
constexpr milliseconds patience{10'000};
// More than this is not kept for a Redis that takes nothing.
constexpr std::size_t output_bytes_max = 16 * 1024 * 1024;
// Redis answers with a number, a word, or an event of three parts, one of which is at most what a
// node publishes at once. What speaks otherwise is no Redis: its bytes are not kept.
constexpr std::size_t parts_max = 8;
constexpr std::size_t line_bytes_max = 64 * 1024;
constexpr std::size_t unread_bytes_max = 32 * 1024 * 1024;
// A connection that goes down sooner was none: attempts grow rarer.
constexpr milliseconds steady_after{5'000};
// What hiredis reads at a time, and how often in one call.
constexpr std::size_t read_bytes = 16 * 1024;
constexpr int reads_per_call = 8;

struct free_context {
  void operator()(redisContext* one) const { redisFree(one); }
};
struct free_reply {
  void operator()(void* one) const { freeReplyObject(one); }
};
using reply_pointer = std::unique_ptr<redisReply, free_reply>;

std::string_view text_of(const redisReply& reply) {
  return {reply.str == nullptr ? "" : reply.str, reply.str == nullptr ? 0 : reply.len};
}

// How hiredis makes replies.
const redisReplyObjectFunctions& usual_functions() {
  static const redisReplyObjectFunctions functions = [] {
    const std::unique_ptr<redisReader, void (*)(redisReader*)> any(redisReaderCreate(),
                                                                   redisReaderFree);
    return *any->fn;
  }();
  return functions;
}

// No array of so many parts that to make and to free it would hold up everybody. The type of
// `count` differs between versions.
template <typename Count>
void* make_array(const redisReadTask* task, Count count) {
  const bool is_too_long = static_cast<std::size_t>(count) > parts_max;
  return is_too_long ? nullptr : usual_functions().createArray(task, count);
}

redisReplyObjectFunctions* limited_functions() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions made = usual_functions();
    made.createArray = make_array;
    return made;
  }();
  return &functions;
}

// One connection to Redis.
struct connection {
  std::unique_ptr<redisContext, free_context> to;
  bool watches_writing = false;

  std::size_t waiting() const { return to == nullptr ? 0 : sdslen(to->obuf); }
};

void append(connection& link, std::initializer_list<std::string_view> words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(link.to.get(), static_cast<int>(texts.size()), texts.data(), sizes.data());
}

// Two connections: one that has subscribed can't publish in the protocol of Redis 5 and before.
//
// hiredis's asynchronous layer is not used: it forgets a channel's callback when a subscription
// follows an unsubscription that is still on its way, and keeps one for every channel.
class redis final : public chinwag::backplane {
 public:
  explicit redis(redis_address address) : address_(std::move(address)) {
    std::random_device dice;
    own_ = std::string(prefix) + "n" + std::to_string(dice()) + std::to_string(dice());
    jitter_ = milliseconds(dice() % 50);
  }

  void begin(node& of) override {
    node_ = &of;
    ticked_at_ = clock::now();
    connect();
  }

  void ready(int descriptor) override {
    for (connection* link : {&commands_, &events_}) {
      if (link->to == nullptr || link->to->fd != descriptor) continue;
      if (const std::string problem = read(*link); !problem.empty()) drop(problem);
      return;
    }
  }

  void tick() override {
    const clock::time_point now = clock::now();
    // What this process slept through is no silence of Redis.
    if (now - ticked_at_ > 2 * beat_every) heard_at_ += now - ticked_at_;
    ticked_at_ = now;
    if (now_ == phase::down) {
      if (now >= retry_at_) connect();
      return;
    }
    if (now - heard_at_ > patience) return drop("no answer for 10 s");
    if (now_ == phase::up && now >= beat_at_) {
      beat_at_ = now + beat_every;
      publish_to(own_, {}, 0);
    }
    for (connection* link : {&commands_, &events_}) {
      if (const std::string problem = write(*link); !problem.empty()) return drop(problem);
    }
  }

  std::uint32_t wait_ms() const override {
    const clock::time_point due = now_ == phase::down ? retry_at_
                                  : now_ == phase::up ? beat_at_
                                                      : heard_at_ + patience;
    const auto left = std::chrono::ceil<milliseconds>(due - clock::now());
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left.count(), 0, 1'000));
  }

  void subscribe(std::string_view channel) override {
    append(events_, {"SUBSCRIBE", std::string(prefix).append(channel)});
  }

  void unsubscribe(std::string_view channel) override {
    append(events_, {"UNSUBSCRIBE", std::string(prefix).append(channel)});
  }

  std::uint64_t publish(std::string_view channel, std::string_view bytes) override {
    if (now_ != phase::up || commands_.waiting() > output_bytes_max) return 0;
    publish_to(std::string(prefix).append(channel), bytes, ++numbers_);
    return numbers_;
  }

 private:
  enum class phase : std::uint8_t { down, connecting, up };

  void connect() {
    now_ = phase::connecting;
    heard_at_ = clock::now();
    answers_ = 0;
    for (connection* link : {&commands_, &events_}) {
      link->to.reset(redisConnectNonBlock(address_.host.c_str(), address_.port));
      link->watches_writing = true;
      if (link->to == nullptr) return drop("no memory");
      if (link->to->err != 0) return drop(link->to->errstr);
      link->to->reader->fn = limited_functions();
      if (!node_->watch(link->to->fd, true)) return drop("its socket can't be watched");
      log_in(*link);
    }
    append(commands_, {"PING"});
    expected_.push_back(0);
    append(events_, {"SUBSCRIBE", own_});
  }

  void log_in(connection& link) {
    if (address_.password.empty()) return;
    if (address_.user.empty()) {
      append(link, {"AUTH", address_.password});
    } else {
      append(link, {"AUTH", address_.user, address_.password});
    }
    if (&link == &commands_) expected_.push_back(0);
  }

  void publish_to(std::string_view channel, std::string_view bytes, std::uint64_t number) {
    append(commands_, {"PUBLISH", channel, bytes});
    expected_.push_back(number);
  }

  void drop(const std::string& why) {
    for (connection* link : {&commands_, &events_}) {
      if (link->to == nullptr) continue;
      if (link->to->fd >= 0) node_->unwatch(link->to->fd);
      link->to.reset();
    }
    expected_.clear();
    const bool was_steady = now_ == phase::up && clock::now() - up_at_ > steady_after;
    delay_ = was_steady ? first_delay : std::min(delay_ * 2, longest_delay);
    retry_at_ = clock::now() + delay_ + jitter_;
    const bool told = std::exchange(now_, phase::down) != phase::up && told_;
    if (std::exchange(told_, true) && told) return;
    node_->went_down(address_.host + ":" + std::to_string(address_.port) + ": " + why);
  }

  // Empty, or why the connection is of no use any more.
  std::string write(connection& link) {
    int done = 0;
    if (redisBufferWrite(link.to.get(), &done) != REDIS_OK) return link.to->errstr;
    const bool more = done == 0;
    if (std::exchange(link.watches_writing, more) != more) node_->watch(link.to->fd, more);
    return {};
  }

  std::string read(connection& link) {
    for (int i = 0; i < reads_per_call; ++i) {
      const std::size_t before = unread(link);
      if (redisBufferRead(link.to.get()) != REDIS_OK) return link.to->errstr;
      const bool more = unread(link) - before >= read_bytes;
      if (std::string problem = take_replies(link); !problem.empty()) return problem;
      if (is_endless(link)) return "more than an answer can be";
      if (!more) break;
    }
    return {};
  }

  static std::size_t unread(const connection& link) {
    return link.to->reader->len - link.to->reader->pos;
  }

  // Whether what has begun would be kept, and looked through again and again, without an end: every
  // answer begins with a line.
  static bool is_endless(const connection& link) {
    const std::string_view left(link.to->reader->buf + link.to->reader->pos, unread(link));
    if (left.size() <= line_bytes_max) return false;
    return left.size() > unread_bytes_max ||
           left.substr(0, line_bytes_max).find("\r\n") == std::string_view::npos;
  }

  std::string take_replies(connection& link) {
    while (true) {
      void* next = nullptr;
      if (redisGetReplyFromReader(link.to.get(), &next) != REDIS_OK) return link.to->errstr;
      if (next == nullptr) return {};
      const reply_pointer reply(static_cast<redisReply*>(next));
      std::string problem = &link == &commands_ ? take_answer(*reply) : take_event(*reply);
      if (!problem.empty()) return problem;
    }
  }

  // Redis answers commands in their order.
  std::string take_answer(const redisReply& reply) {
    if (expected_.empty()) return "an answer to nothing";
    const std::uint64_t number = expected_.front();
    expected_.pop_front();
    const bool refused = reply.type == REDIS_REPLY_ERROR;
    if (number == 0) {
      if (refused) return std::string(text_of(reply));
      if (expected_.empty() && now_ == phase::connecting) go_up();
    } else if (refused || reply.type != REDIS_REPLY_INTEGER) {
      node_->lost(number);
    } else {
      node_->left(number, static_cast<std::size_t>(std::max(reply.integer, 0LL)));
    }
    return {};
  }

  std::string take_event(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR) return std::string(text_of(reply));
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements < 3) return {};  // the answer to AUTH
    const std::string_view kind = text_of(*reply.element[0]);
    const std::string_view channel = text_of(*reply.element[1]);
    if (channel == own_) {
      heard_at_ = clock::now();
      if (kind == "subscribe") go_up();
    } else if (channel.starts_with(prefix)) {
      const std::string_view name = channel.substr(prefix.size());
      if (kind == "subscribe") node_->subscribed(name);
      if (kind == "unsubscribe") node_->unsubscribed(name);
      if (kind == "message") node_->arrived(name, text_of(*reply.element[2]));
    }
    return {};
  }

  // Once both connections have been answered.
  void go_up() {
    if (++answers_ < 2 || now_ != phase::connecting) return;
    now_ = phase::up;
    told_ = false;
    heard_at_ = up_at_ = clock::now();
    beat_at_ = heard_at_ + beat_every;
    node_->went_up();
  }

  const redis_address address_;
  std::string own_;  // the channel in which this node hears itself
  milliseconds jitter_{};
  node* node_ = nullptr;
  connection commands_;
  connection events_;
  std::deque<std::uint64_t> expected_;  // answers to commands; 0: to one that publishes nothing
  phase now_ = phase::down;
  int answers_ = 0;    // of the two that make it go up
  bool told_ = false;  // that it is down
  milliseconds delay_ = first_delay;
  clock::time_point retry_at_{};
  clock::time_point heard_at_{};  // from itself, or when it began to connect
  clock::time_point up_at_{};
  clock::time_point beat_at_{};
  clock::time_point ticked_at_{};
  std::uint64_t numbers_ = 0;
};

}  // namespace

std::unique_ptr<chinwag::backplane> redis_backplane(redis_address address) {
  return std::make_unique<redis>(std::move(address));
}

}  // namespace chinwagd
