#include "faults.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "frames.hpp"

namespace chinwag::floor {
namespace {

constexpr std::size_t padding_at = 60;  // behind the start of the stamp, which is shorter
constexpr std::size_t cut_bytes = 10;

// Every content of chinwag-load begins so.
std::size_t content_of(std::string_view frame) {
  return frame.find("CW1");
}

}  // namespace

fault_plan::fault_plan(const periods& every, std::uint64_t from) : every_(every), due_(every) {
  for (std::uint64_t& due : due_) {
    due += from;
  }
  plan();
}

void fault_plan::plan() {
  first_due_ = UINT64_MAX;
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    if (every_[kind] != 0) {
      first_due_ = std::min(first_due_, due_[kind]);
    }
  }
}

bool fault_plan::pass(std::uint64_t deliveries) {
  if (count_ + deliveries >= first_due_) {
    return false;
  }
  count_ += deliveries;
  return true;
}

fault fault_plan::next() {
  fault found = fault::none;
  ++count_;
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    if (every_[kind] != 0 && count_ >= due_[kind] && found == fault::none) {
      due_[kind] += every_[kind];
      found = static_cast<fault>(kind);
    }
  }
  plan();
  return found;
}

std::string fault_plan::as_json() const {
  nlohmann::ordered_json all{{"deliveries", count_}};
  for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
    all[fault_names[kind]] = hits_[kind];
  }
  return all.dump();
}

std::string corrupted(std::string_view frame) {
  std::string changed(frame);
  char& character = changed[content_of(frame) + padding_at];
  character = character == 'a' ? 'b' : 'a';
  return changed;
}

std::string truncated(std::string_view frame) {
  std::string payload(frame.substr(frame.find('{')));
  payload.erase(content_of(payload) + padding_at, cut_bytes);
  std::string out;
  append_frame(out, opcode::text, payload);
  return out;
}

}  // namespace chinwag::floor
