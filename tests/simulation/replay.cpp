#include <cinttypes>
#include <cstdio>

#include "generator.hpp"
#include "simulation.hpp"

namespace simulation {

outcome replay(const script& run, bool loud) {
  trace log;
  outcome end;
  setup made;
  if (!read_setup(run.settings, made, end.text)) {
    end.rule = "the script's settings";
    return end;
  }
  if (loud) {
    log.listener = [](std::string_view name, std::uint64_t a, std::uint64_t b,
                      std::string_view text) {
      std::printf("  %.*s %" PRIu64 " %" PRIu64 " %.200s\n", static_cast<int>(name.size()),
                  name.data(), a, b, std::string(text).c_str());
    };
  }
  {
    run_of_shard shard(made, log);
    for (const action& one : run.actions) {
      if (loud) std::printf("%s\n", write_action(one).substr(0, 200).c_str());
      shard.apply(one);
      if (shard.over()) break;
    }
  }
  if (loud && log.violated())
    std::printf("BROKEN %s: %s\n", log.rule().c_str(), log.text().c_str());
  end.hash = log.hash();
  end.events = log.events();
  end.rule = log.rule();
  end.text = log.text();
  return end;
}

outcome explore(choices source, std::uint64_t seed, std::uint64_t actions, script& run) {
  trace log;
  outcome end;
  setup made;
  generator drawn(source);
  run.settings = drawn.draw_settings(seed);
  if (!read_setup(run.settings, made, end.text)) {
    end.rule = "the generator's settings";
    return end;
  }
  {
    run_of_shard shard(made, log);
    std::size_t done = 0;
    while (!shard.over() && done < actions) {
      drawn.draw(run.actions);
      if (run.actions.size() >= actions || drawn.input_ended()) {
        run.actions.push_back(drawn.draw_end());
      }
      for (; done < run.actions.size() && !shard.over(); ++done) shard.apply(run.actions[done]);
    }
  }
  end.hash = log.hash();
  end.events = log.events();
  end.rule = log.rule();
  end.text = log.text();
  return end;
}

}  // namespace simulation
