#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "chat.hpp"
#include "http.hpp"

namespace {

using response = uWS::HttpResponse</*SSL=*/false>;

// uWebSockets ends longer messages without a close code: `chat` closes with 1009 before that.
constexpr unsigned payload_bytes_max = 1 << 20;
constexpr int drain_timeout_ms = 3'000;

void answer(response* response, uWS::HttpRequest* request, char const* status,
            std::string const& body) {
  if (!answerable(*request)) return void(response->close());
  response->writeStatus(status)->writeHeader("Content-Type", "application/json");
  if (request->getCaseSensitiveMethod() == "HEAD") {
    response->endWithoutBody();
  } else {
    response->end(body);
  }
}

auto refuse(char const* status, char const* error) {
  auto const body = nlohmann::json{{"error", error}}.dump();
  return [=](response* response, uWS::HttpRequest* request) {
    answer(response, request, status, body);
  };
}

class server {
 public:
  explicit server(settings settings) : settings_(std::move(settings)) {
    app_.ws<member>("/ws", behavior());
    auto const healthy = [](response* response, uWS::HttpRequest* request) {
      if (!has_one_host(*request)) return refuse("400 Bad Request", "one Host")(response, request);
      nlohmann::json fields{{"status", "ok"}, {"implementation", "cpp-uws"}, {"version", "0.1.0"}};
      fields["pid"] = getpid();
      fields["workers"] = nlohmann::json::array({getpid()});
      answer(response, request, "200 OK", fields.dump());
    };
    app_.get("/health", healthy).head("/health", healthy);
    app_.any("/ws", refuse("426 Upgrade Required", "no upgrade"));
    app_.any("/*", refuse("404 Not Found", "not found"));
    app_.filter([this](response* response, int change) {
      // uSockets would ask for the next one again and again if no descriptor is left for it.
      if (change > 0 && !spare_descriptor(descriptor(response))) accept(false);
    });
  }

  /// Until `stop`. Throws std::runtime_error if it can't listen.
  void run() {
    auto const shares = settings_.reuse_port ? LIBUS_LISTEN_DEFAULT : LIBUS_LISTEN_EXCLUSIVE_PORT;
    app_.listen(settings_.host, settings_.port, shares,
                [this](us_listen_socket_t* listening) { listening_ = listening; });
    // uSockets asks for 512; to ask again changes it.
    if (!listening_ || ::listen(descriptor(listening_), settings_.backlog) != 0) {
      throw std::runtime_error(settings_.host + ":" + std::to_string(settings_.port) +
                               " can't be listened on: is the port taken?");
    }
    every(settings_.tick_ms, [this] { chat_.tick(); });
    uWS::Loop::get()->addPreHandler(this, [this](uWS::Loop*) { chat_.end_missed(); });
    uWS::Loop::get()->addPostHandler(this, [this](uWS::Loop*) { accept_again(); });
    app_.run();
  }

  void stop() {
    us_listen_socket_close(0, std::exchange(listening_, nullptr));
    chat_.close_all();
    every(drain_timeout_ms, [this] { app_.close(); });
  }

 private:
  uWS::App::WebSocketBehavior<member> behavior() {
    return {
        .maxPayloadLength = payload_bytes_max,
        // Its idle timeout closes without a code, and its pings go with that: `chat` has its own.
        .idleTimeout = 0,
        .maxBackpressure = pending_bytes_max,
        .closeOnBackpressureLimit = true,
        .sendPingsAutomatically = false,
        .upgrade = [](response* response, uWS::HttpRequest* request,
                      us_socket_context_t* context) { upgrade(response, request, context); },
        .open = [this](socket_t* socket) { chat_.opened(socket); },
        .message = [this](socket_t* socket, std::string_view text,
                          uWS::OpCode kind) { chat_.received(socket, text, kind); },
        .dropped = [this](socket_t* socket, std::string_view,
                          uWS::OpCode) { chat_.missed(socket); },
        .drain = [this](socket_t* socket) { chat_.drained(socket); },
        .ping = [this](socket_t* socket, std::string_view) { chat_.alive(socket); },
        .pong = [this](socket_t* socket, std::string_view) { chat_.alive(socket); },
        .close = [this](socket_t* socket, int, std::string_view) { chat_.closed(socket); },
    };
  }

  static void upgrade(response* response, uWS::HttpRequest* request, us_socket_context_t* context) {
    auto user = user_of(*request);
    if (!is_upgrade(*request) || !user || !answerable(*request)) {
      return refuse("400 Bad Request", "no upgrade, or a bad user")(response, request);
    }
    // Neither a subprotocol nor an extension is taken.
    response->upgrade<member>({.user = std::move(*user), .rooms = {}},
                              request->getHeader("sec-websocket-key"), {}, {}, context);
  }

  void accept(bool on) {
    accepting_ = on;
    us_poll_change(reinterpret_cast<us_poll_t*>(listening_),
                   us_socket_context_loop(0, us_socket_context(0, as_socket(listening_))),
                   on ? EPOLLIN : 0);
  }

  /// After every turn of the loop, of which each tick is one.
  void accept_again() {
    if (!accepting_ && listening_ && spare_descriptor(descriptor(listening_))) accept(true);
  }

  static bool spare_descriptor(int any_descriptor) {
    auto const spare = ::dup(any_descriptor);
    if (spare >= 0) ::close(spare);
    return spare >= 0;
  }

  static us_socket_t* as_socket(void* socket) { return static_cast<us_socket_t*>(socket); }

  static int descriptor(void* socket) {
    return static_cast<int>(
        reinterpret_cast<std::intptr_t>(us_socket_get_native_handle(0, as_socket(socket))));
  }

  /// A timer that does not keep the loop alive.
  static void every(int ms, std::function<void()> call) {
    using function = std::function<void()>;
    auto* const loop = reinterpret_cast<us_loop_t*>(uWS::Loop::get());
    auto* const timer = us_create_timer(loop, /*fallthrough=*/1, sizeof(function));
    new (us_timer_ext(timer)) function(std::move(call));
    us_timer_set(
        timer, [](us_timer_t* t) { (*static_cast<function*>(us_timer_ext(t)))(); }, ms, ms);
  }

  settings const settings_;
  uWS::App app_;
  chat chat_{app_, settings_};
  us_listen_socket_t* listening_ = nullptr;
  bool accepting_ = true;
};

/// Loop::defer is the one call that another thread may make.
void stop_on_signals(server& server) {
  std::signal(SIGPIPE, SIG_IGN);  // uSockets writes long messages by writev
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, &server, loop = uWS::Loop::get()] {
    int number = 0;
    sigwait(&signals, &number);
    loop->defer([&server] { server.stop(); });
  }).detach();
}

}  // namespace

int main() try {
  server server(settings_from_environment());
  stop_on_signals(server);
  server.run();
} catch (std::exception const& why) {
  std::cerr << "chat_uws can't serve: " << why.what() << '\n';
  return EXIT_FAILURE;
}
