#include "shrink.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>

namespace simulation {

namespace {

constexpr unsigned run_seconds_max = 5;

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> part;
  ssize_t got = 0;
  while ((got = ::read(descriptor, part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

[[noreturn]] void run_and_tell(const script& run, int to) {
  std::signal(SIGALRM, SIG_DFL);
  ::alarm(run_seconds_max);
  const outcome end = replay(run);
  const std::string text = end.rule + "\n" + end.text;
  [[maybe_unused]] const ssize_t written = ::write(to, text.data(), text.size());
  ::_exit(0);
}

}  // namespace

outcome replay_apart(const script& run) {
  std::array<int, 2> ends{};
  outcome end;
  std::fflush(nullptr);
  if (::pipe(ends.data()) != 0) return end;
  const pid_t child = ::fork();
  if (child == 0) run_and_tell(run, ends[1]);
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    const bool hangs = WTERMSIG(status) == SIGALRM;
    end.rule = hangs ? "it hangs" : "it crashes";
    end.text = "signal " + std::to_string(WTERMSIG(status));
    return end;
  }
  if (WEXITSTATUS(status) != 0) {
    end.rule = "it crashes";
    end.text = "a sanitizer ended it";
    return end;
  }
  end.rule = text.substr(0, text.find('\n'));
  end.text = text.substr(std::min(text.size(), end.rule.size() + 1));
  return end;
}

script shrink(const script& run, const std::string& rule, std::uint64_t seconds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  const auto time_left = [&] { return std::chrono::steady_clock::now() < until; };
  script best = run;
  const auto still_breaks = [&](const script& candidate) {
    return replay_apart(candidate).rule == rule;
  };
  // Parts of half the length, then of a quarter, down to single actions.
  for (std::size_t size = best.actions.size() / 2; size >= 1 && time_left();) {
    bool shorter = false;
    for (std::size_t at = 0; at < best.actions.size() && time_left();) {
      script candidate = best;
      const std::size_t end = std::min(at + size, candidate.actions.size());
      candidate.actions.erase(candidate.actions.begin() + static_cast<std::ptrdiff_t>(at),
                              candidate.actions.begin() + static_cast<std::ptrdiff_t>(end));
      if (still_breaks(candidate)) {
        best = std::move(candidate);
        shorter = true;
      } else {
        at += size;
      }
    }
    if (size == 1 && !shorter) break;
    if (!shorter || size > best.actions.size()) size = std::max<std::size_t>(size / 2, 1);
  }
  // Settings that it does not need.
  for (const auto& [name, value] : run.settings) {
    script candidate = best;
    candidate.settings.erase(name);
    if (name != "seed" && time_left() && still_breaks(candidate)) best = std::move(candidate);
  }
  return best;
}

}  // namespace simulation
