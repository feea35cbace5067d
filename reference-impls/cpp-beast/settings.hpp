#pragma once

#include <boost/lexical_cast.hpp>
#include <cstdlib>
#include <stdexcept>
#include <string>

/// From the environment. Throws std::invalid_argument for what is no such number.
template <class Value>
Value setting(char const* name, Value otherwise) try {
  char const* const text = std::getenv(name);
  return text ? boost::lexical_cast<Value>(text) : otherwise;
} catch (boost::bad_lexical_cast const&) {
  throw std::invalid_argument(std::string(name) + " must be a number, and not too large");
}
