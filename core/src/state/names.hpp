#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <string_view>

#include "state/ids.hpp"
#include "state/table.hpp"
#include "wire/name.hpp"

namespace chinwag {

using hash_key = std::array<std::uint64_t, 2>;

// SipHash (Aumasson and Bernstein), 1 round a block and 3 at the end: names come from the network,
// so an index of them must not be steered into collisions.
std::uint64_t siphash13(std::string_view text, const hash_key& key);

// The original 2-4 form, which has published test values.
std::uint64_t siphash24(std::string_view text, const hash_key& key);

// Finds the place of a named record. It stores places only; names are read where the records keep
// them, so an entry costs a few bytes.
class name_index {
 public:
  using name_of = std::function<std::string_view(std::uint32_t id)>;

  name_index(name_of names, const hash_key& key)
      : ids_(0, hasher{&names_, key}, same_name{&names_}), names_(std::move(names)) {}
  // The set's functors point at names_.
  name_index(const name_index&) = delete;
  name_index& operator=(const name_index&) = delete;

  std::uint32_t find(std::string_view name) const {
    const auto found = ids_.find(name);
    return found == ids_.end() ? no_id : *found;
  }
  void add(std::uint32_t id) { ids_.insert(id); }
  // While the record still has its name.
  void remove(std::uint32_t id) { ids_.erase(id); }
  std::size_t size() const { return ids_.size(); }

 private:
  struct hasher {
    using is_transparent = void;
    using is_avalanching = void;
    const name_of* names;
    hash_key key;
    std::size_t operator()(std::string_view name) const { return siphash13(name, key); }
    std::size_t operator()(std::uint32_t id) const { return (*this)((*names)(id)); }
  };
  struct same_name {
    using is_transparent = void;
    const name_of* names;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return (*names)(a) == (*names)(b); }
    bool operator()(std::string_view a, std::uint32_t b) const { return a == (*names)(b); }
    bool operator()(std::uint32_t a, std::string_view b) const { return (*names)(a) == b; }
  };

  boost::unordered_flat_set<std::uint32_t, hasher, same_name> ids_;
  name_of names_;
};

// Where a name is kept: up to 15 bytes in the record itself, longer ones in a slot of the store.
struct stored_name {
  std::array<char, 15> bytes{};
  std::uint8_t size = 0;
};

class name_store {
 public:
  stored_name put(std::string_view name);
  void drop(const stored_name& name);
  std::string_view view(const stored_name& name) const;

 private:
  table<std::array<char, name_bytes_max>> long_names_;
};

}  // namespace chinwag
