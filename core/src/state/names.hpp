#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

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
// them, so an entry costs a few bytes. It is kept in parts that grow each for itself: to make room
// for a million names at once would keep everybody waiting.
class name_index {
 public:
  using name_of = std::function<std::string_view(std::uint32_t id)>;

  name_index(name_of names, const hash_key& key) : names_(std::move(names)), hash_{&names_, key} {
    parts_.reserve(parts);
    for (std::size_t i = 0; i < parts; ++i) parts_.emplace_back(0, hash_, same_name{&names_});
  }
  // The sets' functors point at names_.
  name_index(const name_index&) = delete;
  name_index& operator=(const name_index&) = delete;

  std::uint32_t find(std::string_view name) const {
    const hashed_name wanted{name, siphash13(name, hash_.key)};
    const ids& part = parts_[part_of(wanted.hash)];
    const auto found = part.find(wanted);
    return found == part.end() ? no_id : *found;
  }
  void add(std::uint32_t id) { parts_[part_of(hash_(id))].insert(id); }
  // While the record still has its name.
  void remove(std::uint32_t id) { parts_[part_of(hash_(id))].erase(id); }

 private:
  static constexpr std::size_t parts = 256;

  struct hashed_name {
    std::string_view name;
    std::size_t hash;
  };
  struct hasher {
    using is_transparent = void;
    using is_avalanching = void;
    const name_of* names;
    hash_key key;
    std::size_t operator()(const hashed_name& name) const { return name.hash; }
    std::size_t operator()(std::uint32_t id) const { return siphash13((*names)(id), key); }
  };
  struct same_name {
    using is_transparent = void;
    const name_of* names;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return (*names)(a) == (*names)(b); }
    bool operator()(const hashed_name& a, std::uint32_t b) const { return a.name == (*names)(b); }
    bool operator()(std::uint32_t a, const hashed_name& b) const { return (*names)(a) == b.name; }
  };
  using ids = boost::unordered_flat_set<std::uint32_t, hasher, same_name>;

  // Bits that the sets make no use of: they take the first for the place and the last byte for a
  // quick look.
  static std::size_t part_of(std::size_t hash) { return hash >> 24 & (parts - 1); }

  name_of names_;
  hasher hash_;
  std::vector<ids> parts_;
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
