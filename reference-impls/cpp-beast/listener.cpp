#include "listener.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "name.hpp"

namespace chat {
namespace {

namespace net = boost::asio;
namespace http = beast::http;
using tcp = net::ip::tcp;

constexpr std::chrono::seconds request_timeout{10};
constexpr std::uint32_t header_bytes_max = 65'536;

std::string health() {
  auto const pid = getpid();
  return nlohmann::ordered_json{{"status", "ok"},
                                {"implementation", "cpp-beast"},
                                {"version", CHAT_VERSION},
                                {"pid", pid},
                                {"workers", {pid}}}
      .dump();
}

/// One HTTP request, which becomes a WebSocket or is answered and over.
class exchange : public std::enable_shared_from_this<exchange> {
 public:
  exchange(tcp::socket socket, rooms& rooms, timing timing)
      : stream_(std::move(socket)), rooms_(rooms), timing_(timing) {
    parser_.header_limit(header_bytes_max);
  }

  void run() {
    stream_.expires_after(request_timeout);
    http::async_read(stream_, inbox_, parser_, [self = shared_from_this()](auto failed, auto) {
      if (!failed) self->serve();
    });
  }

 private:
  void serve() {
    auto const& request = parser_.get();
    std::string_view const target{request.target().data(), request.target().size()};
    auto const path = target.substr(0, target.find('?'));
    if (path == "/health" && request.method() == http::verb::get) {
      return answer(http::status::ok, health(), "application/json");
    }
    if (path != "/ws") return answer(http::status::not_found, "Not found\n");
    if (!beast::websocket::is_upgrade(request)) {
      return answer(http::status::upgrade_required, "This is a WebSocket\n");
    }
    auto user = user_of(target);
    if (user.empty()) user = random_name();
    if (!valid_name(user)) return answer(http::status::bad_request, "Bad user\n");
    std::make_shared<connection>(std::move(stream_), inbox_, std::move(user), rooms_, timing_)
        ->run(request);
  }

  void answer(http::status status, std::string body, char const* type = "text/plain") {
    response_.result(status);
    response_.set(http::field::content_type, type);
    response_.set(http::field::upgrade, "websocket");
    response_.keep_alive(false);
    response_.body() = std::move(body);
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](auto, auto) {
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer inbox_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  rooms& rooms_;
  timing const timing_;
};

}  // namespace

listener::listener(net::io_context& io, std::string const& host, std::uint16_t port, rooms& rooms,
                   timing timing)
    : acceptor_(io, tcp::endpoint(net::ip::make_address(host), port)),
      pause_(io),
      rooms_(rooms),
      timing_(timing) {
  accept();
}

void listener::accept() {
  acceptor_.async_accept([this](auto failed, tcp::socket socket) {
    if (failed == net::error::operation_aborted) return;
    if (failed) {
      // Most likely out of file descriptors: asking again at once would only heat the processor.
      pause_.expires_after(std::chrono::milliseconds(100));
      return pause_.async_wait([this](auto stopped) {
        if (!stopped) accept();
      });
    }
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::make_shared<exchange>(std::move(socket), rooms_, timing_)->run();
    accept();
  });
}

void listener::stop() {
  acceptor_.close();
  pause_.cancel();
}

}  // namespace chat
