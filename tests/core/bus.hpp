#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chinwag/backplane.hpp"

namespace chinwag::test {

// A backplane between servers of this process, whose subscriptions and publications a test can hold
// up, lose, or cut. Its members may be called from any thread.
class bus {
 public:
  std::unique_ptr<backplane> line() { return std::make_unique<end>(*this); }

  // From now on subscriptions get no answer, until they are released.
  void hold_subscriptions() {
    locked([&] { holds_ = true; });
  }
  void release_subscriptions() {
    locked([&] {
      holds_ = false;
      for (auto& [to, channel] : std::exchange(held_, {})) subscribe(*to, channel);
    });
  }
  // Those of the one that has asked for this channel; whether anybody has.
  bool release_subscriptions_of(const std::string& channel) {
    bool found = false;
    locked([&] {
      const auto asked = std::find_if(held_.begin(), held_.end(),
                                      [&](const auto& one) { return one.second == channel; });
      found = asked != held_.end();
      if (!found) return;
      end* const who = asked->first;
      for (const auto& [to, name] : held_) {
        if (to == who) subscribe(*to, name);
      }
      std::erase_if(held_, [&](const auto& one) { return one.first == who; });
    });
    return found;
  }
  // So many publications from now on are lost: their node learns of it.
  void lose(int count) {
    locked([&] { to_lose_ = count; });
  }
  void go_down() {
    locked([&] {
      channels_.clear();
      held_.clear();
      for (end* one : ends_) one->put([](backplane::node& to) { to.went_down("cut by the test"); });
    });
  }
  void go_up() {
    locked([&] {
      for (end* one : ends_) one->put([](backplane::node& to) { to.went_up(); });
    });
  }
  // As if another node had published it.
  void inject(const std::string& channel, const std::string& bytes) {
    locked([&] { carry(channel, bytes); });
  }

  // Of all ends, as channels with as many subscribers as there are.
  std::map<std::string, std::size_t> subscriptions() {
    std::map<std::string, std::size_t> counted;
    locked([&] {
      for (const auto& [channel, those] : channels_) {
        if (!those.empty()) counted[channel] = those.size();
      }
    });
    return counted;
  }
  std::size_t publications(const std::string& channel) {
    std::size_t count = 0;
    locked([&] { count = published_[channel]; });
    return count;
  }

 private:
  class end final : public backplane {
   public:
    using event = std::function<void(node&)>;

    explicit end(bus& of) : bus_(of), wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
    ~end() override {
      bus_.locked([&] { bus_.forget(*this); });
      ::close(wakeup_);
    }

    void begin(node& of) override {
      node_ = &of;
      of.watch(wakeup_, false);
      bus_.locked([&] { bus_.ends_.insert(this); });
      of.went_up();
    }
    void ready(int) override {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(wakeup_, &count, sizeof count);
      std::vector<event> come;
      bus_.locked([&] { come.swap(inbox_); });
      for (const event& one : come) one(*node_);
    }
    void tick() override {}
    std::uint32_t wait_ms() const override { return 1'000; }
    void subscribe(std::string_view channel) override {
      bus_.locked([&] { bus_.ask(*this, std::string(channel)); });
    }
    void unsubscribe(std::string_view channel) override {
      bus_.locked([&] {
        bus_.channels_[std::string(channel)].erase(this);
        put([name = std::string(channel)](node& of) { of.unsubscribed(name); });
      });
    }
    std::uint64_t publish(std::string_view channel, std::string_view bytes) override {
      bus_.locked(
          [&] { bus_.publish(*this, ++numbers_, std::string(channel), std::string(bytes)); });
      return numbers_;
    }

    // With the bus locked.
    void put(event one) {
      inbox_.push_back(std::move(one));
      const std::uint64_t count = 1;
      [[maybe_unused]] const ssize_t written = ::write(wakeup_, &count, sizeof count);
    }

   private:
    bus& bus_;
    const int wakeup_;
    node* node_ = nullptr;
    std::vector<event> inbox_;
    std::uint64_t numbers_ = 0;
  };

  template <typename Call>
  void locked(Call call) {
    const std::lock_guard guard(guard_);
    call();
  }

  void ask(end& from, const std::string& channel) {
    if (holds_) {
      held_.emplace_back(&from, channel);
    } else {
      subscribe(from, channel);
    }
  }

  void subscribe(end& to, const std::string& channel) {
    channels_[channel].insert(&to);
    to.put([channel](backplane::node& of) { of.subscribed(channel); });
  }

  void publish(end& from, std::uint64_t number, const std::string& channel,
               const std::string& bytes) {
    ++published_[channel];
    if (to_lose_ > 0) {
      --to_lose_;
      return from.put([number](backplane::node& of) { of.lost(number); });
    }
    const std::size_t nodes = carry(channel, bytes);
    from.put([=](backplane::node& of) { of.left(number, nodes); });
  }

  std::size_t carry(const std::string& channel, const std::string& bytes) {
    const std::set<end*>& those = channels_[channel];
    for (end* to : those) to->put([=](backplane::node& of) { of.arrived(channel, bytes); });
    return those.size();
  }

  void forget(end& gone) {
    ends_.erase(&gone);
    for (auto& [channel, those] : channels_) those.erase(&gone);
    std::erase_if(held_, [&](const auto& one) { return one.first == &gone; });
  }

  std::mutex guard_;
  std::set<end*> ends_;
  std::map<std::string, std::set<end*>> channels_;
  std::map<std::string, std::size_t> published_;
  std::vector<std::pair<end*, std::string>> held_;
  bool holds_ = false;
  int to_lose_ = 0;
};

}  // namespace chinwag::test
