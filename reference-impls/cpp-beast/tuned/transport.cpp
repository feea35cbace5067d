#include "transport.hpp"

#include <chrono>

void prepare(boost::asio::io_context& io) {
  auto const named = setting("CHAT_VARIANT", "default") == "coalesced";
  auto const delay = named ? setting("CHAT_WRITE_DELAY_MS", 20, write_delay_ms_max) : 0;
  boost::asio::make_service<turn>(io, std::chrono::milliseconds(delay));
}
