#include "simulated_kernel.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace simulation {

namespace {

simulated_kernel* current_kernel = nullptr;

constexpr std::string_view behind_welcome = "\"welcome\",\"user\":\"";
constexpr std::size_t pieces_max = 1024;  // IOV_MAX

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

}  // namespace

simulated_kernel::simulated_kernel(const kernel_habits& habits, std::uint64_t seed, trace& log)
    : habits_(habits), choices_(seed), trace_(log) {
  descriptors_.resize(3);  // standard input, output and error
  current_kernel = this;
}

simulated_kernel::~simulated_kernel() {
  current_kernel = nullptr;
}

simulated_kernel& simulated_kernel::current() {
  return *current_kernel;
}

link& simulated_kernel::connect(connection_number number) {
  auto& made = links_[number];
  made = std::make_unique<link>();
  made->number = number;
  if (listener_ < 0) {
    made->refused = true;
  } else {
    waiting_.push_back(made.get());
  }
  return *made;
}

link* simulated_kernel::find(connection_number number) {
  const auto found = links_.find(number);
  return found == links_.end() ? nullptr : found->second.get();
}

void simulated_kernel::end_input(link& of) {
  of.client_fin = true;
}

void simulated_kernel::vanish(link& of) {
  of.client_fin = true;
  of.client_gone = true;
  of.to_client.clear();
}

void simulated_kernel::reset_by_client(link& of, bool drops) {
  of.client_fin = true;
  of.client_gone = true;
  of.client_reset = true;
  of.reset_drops = drops;
  if (drops) of.to_server.clear();
  of.to_client.clear();
}

void simulated_kernel::begin_turn(std::uint64_t seed, bool calm, std::uint64_t patience_us) {
  choices_ = choices(seed);
  calm_ = calm;
  patience_us_ = patience_us;
  turn_began_us_ = now_us_;
  work_ = {};
  rested_ = false;
  for (const lent_bytes& one : referred_to_) check_lent(one);
}

std::uint64_t simulated_kernel::unix_now_ms() const {
  return static_cast<std::uint64_t>(unix_offset_ms_) + now_us_ / 1'000;
}

void simulated_kernel::check_all_closed() {
  for (std::size_t i = 3; i < descriptors_.size(); ++i) {
    if (descriptors_[i].what == kind::none) continue;
    trace_.violate("kernel: descriptor leaked", "descriptor " + number(i) + " is open at the end");
  }
}

int simulated_kernel::give(kind what) {
  int descriptor = static_cast<int>(descriptors_.size());
  if (free_.size() > habits_.reuse_after) {
    descriptor = free_.front();
    free_.pop_front();
  } else {
    descriptors_.emplace_back();
  }
  descriptors_[static_cast<std::size_t>(descriptor)] = {.what = what};
  return descriptor;
}

int simulated_kernel::hand_over(int descriptor) {
  descriptor_state& old = descriptors_[static_cast<std::size_t>(descriptor)];
  old.handed_over = true;
  link* const connection = old.connection;
  const kind what = old.what;
  const int given = give(what);
  descriptors_[static_cast<std::size_t>(given)].connection = connection;
  if (connection != nullptr) connection->descriptor = given;
  if (what == kind::listener) listener_ = given;
  return given;
}

int simulated_kernel::present(int descriptor) {
  link* const connection = descriptors_[static_cast<std::size_t>(descriptor)].connection;
  const int given = give(kind::connection);
  descriptors_[static_cast<std::size_t>(given)].connection = connection;
  descriptors_[static_cast<std::size_t>(given)].is_presented = true;
  descriptors_[static_cast<std::size_t>(descriptor)].presented_as = given;
  return given;
}

void simulated_kernel::hand_over_presented() {
  for (descriptor_state& old : descriptors_) {
    if (old.presented_as < 0) continue;
    old.handed_over = true;
    descriptors_[static_cast<std::size_t>(old.presented_as)].is_presented = false;
    old.connection->descriptor = std::exchange(old.presented_as, -1);
  }
}

void simulated_kernel::give_back(int descriptor) {
  descriptors_[static_cast<std::size_t>(descriptor)] = {};
  free_.push_back(descriptor);
}

simulated_kernel::descriptor_state* simulated_kernel::use(int descriptor, kind what,
                                                          const char* call) {
  const auto place = static_cast<std::size_t>(descriptor);
  const bool known = descriptor >= 0 && place < descriptors_.size();
  if (known && (descriptors_[place].handed_over || descriptors_[place].is_presented)) {
    trace_.violate("kernel: a descriptor of another process used",
                   std::string(call) + " of descriptor " + std::to_string(descriptor));
    return nullptr;
  }
  if (known && descriptors_[place].what == what) return &descriptors_[place];
  const bool closed = !known || descriptors_[place].what == kind::none;
  trace_.violate(closed ? "kernel: closed descriptor used" : "kernel: wrong descriptor used",
                 std::string(call) + " of descriptor " + std::to_string(descriptor));
  return nullptr;
}

void simulated_kernel::count(const char* call, std::uint64_t a, std::uint64_t b) {
  ++calls_;
  ++work_.calls;
  now_us_ += habits_.call_us;
  trace_.add(call, a, b);
}

std::size_t simulated_kernel::shortened(std::size_t most, std::uint32_t per_mille) {
  if (calm_ || most <= 1 || !choices_.chance(per_mille)) return most;
  const std::size_t limit = choices_.chance(habits_.tiny) ? std::min<std::size_t>(most, 8) : most;
  return static_cast<std::size_t>(choices_.between(1, limit));
}

chinwag::kernel::listening simulated_kernel::listen() {
  listener_ = give(kind::listener);
  return {{}, listener_, 4000};
}

chinwag::kernel::peer_address simulated_kernel::address_of(const link& of) {
  chinwag::kernel::peer_address peer{};
  peer[10] = peer[11] = 0xFF;
  peer[12] = 127;
  peer[15] = static_cast<unsigned char>(1 + of.number % 4);
  return peer;
}

int simulated_kernel::accept(int listener, chinwag::kernel::peer_address& peer) {
  if (use(listener, kind::listener, "accept") == nullptr) return -EBADF;
  count("accept", waiting_.size(), 0);
  ++work_.accepts;
  if (waiting_.empty()) return -EAGAIN;
  if (!calm_ && choices_.chance(habits_.accept_fails)) {
    static constexpr int failures[] = {EMFILE, ENFILE, ENOBUFS, ECONNABORTED, EINTR};
    const int failure = choices_.pick(failures);
    if (failure == ECONNABORTED) {
      waiting_.front()->refused = true;
      waiting_.pop_front();
    }
    return -failure;
  }
  link& taken = *waiting_.front();
  waiting_.pop_front();
  taken.descriptor = give(kind::connection);
  taken.accepted = true;
  taken.accepted_us = taken.progress_us = woke_us_;
  descriptors_[static_cast<std::size_t>(taken.descriptor)].connection = &taken;
  peer = address_of(taken);
  return taken.descriptor;
}

chinwag::kernel::peer_address simulated_kernel::peer_of(int descriptor) {
  const descriptor_state* from = use(descriptor, kind::connection, "peer_of");
  return from == nullptr ? chinwag::kernel::peer_address{} : address_of(*from->connection);
}

ssize_t simulated_kernel::receive(int descriptor, std::span<char> into) {
  descriptor_state* from = use(descriptor, kind::connection, "receive");
  if (from == nullptr) return -EBADF;
  link& of = *from->connection;
  count("receive", of.number, of.to_server.size());
  if (into.empty()) trace_.violate("kernel: empty receive", "it looks like the end of stream");
  if (!calm_ && choices_.chance(habits_.interrupted)) return -EINTR;
  if (of.to_server.empty()) {
    if (of.client_reset) return -ECONNRESET;
    return of.client_fin ? 0 : -EAGAIN;
  }
  const std::size_t size =
      shortened(std::min(into.size(), of.to_server.size()), habits_.short_receive);
  std::copy_n(of.to_server.begin(), size, into.begin());
  of.to_server.erase(0, size);
  of.received += size;
  last_receiver_ = of.number;
  work_.received += size;
  now_us_ += size * habits_.kib_us / 1024;
  return static_cast<ssize_t>(size);
}

ssize_t simulated_kernel::send(int descriptor, std::span<const iovec> pieces) {
  descriptor_state* to = use(descriptor, kind::connection, "send");
  if (to == nullptr) return -EBADF;
  link& of = *to->connection;
  std::size_t offered = 0;
  for (const iovec& piece : pieces) offered += piece.iov_len;
  count("send", of.number, offered);
  if (pieces.empty() || pieces.size() > pieces_max) return -EMSGSIZE;
  if (of.server_fin)
    trace_.violate("kernel: send after shutdown", "connection " + number(of.number));
  if (of.client_reset) {
    of.sent_into_reset = of.send_failed = true;
    return choices_.chance(500) ? -EPIPE : -ECONNRESET;
  }
  if (!calm_ && choices_.chance(habits_.interrupted)) return -EINTR;
  if (!calm_ && choices_.chance(habits_.no_buffers)) {
    of.was_blocked = true;
    return -ENOBUFS;
  }
  const std::size_t free = of.room - std::min(of.room, of.to_client.size());
  if (free == 0) {
    if (of.blocked_us == 0) of.blocked_us = woke_us_;
    of.was_blocked = true;
    return -EAGAIN;
  }
  const std::size_t size = shortened(std::min(free, offered), habits_.short_send);
  std::size_t left = size;
  for (const iovec& piece : pieces) {
    const std::size_t part = std::min(left, piece.iov_len);
    if (!of.client_gone) of.to_client.append(static_cast<const char*>(piece.iov_base), part);
    if (!of.welcomed) {
      const std::size_t known = of.first_sent.size();
      of.first_sent.append(static_cast<const char*>(piece.iov_base), part);
      of.welcomed = of.first_sent.find(behind_welcome, known - std::min<std::size_t>(known, 60)) !=
                    std::string::npos;
    }
    left -= part;
  }
  if (of.client_gone) of.client_reset = true;
  of.progress_us = woke_us_;
  of.blocked_us = size == offered ? 0 : woke_us_;
  of.was_blocked |= size < offered;
  work_.sent += size;
  now_us_ += size * habits_.kib_us / 1024;
  return static_cast<ssize_t>(size);
}

std::size_t simulated_kernel::untaken(int descriptor) {
  const descriptor_state* of = use(descriptor, kind::connection, "untaken");
  if (of == nullptr) return 0;
  count("untaken", of->connection->number, 0);
  return of->connection->to_client.size();
}

void simulated_kernel::shutdown_write(int descriptor) {
  descriptor_state* of = use(descriptor, kind::connection, "shutdown");
  if (of == nullptr) return;
  count("shutdown", of->connection->number, 0);
  of->connection->server_fin = true;
}

void simulated_kernel::reset(int descriptor) {
  descriptor_state* of = use(descriptor, kind::connection, "reset");
  if (of == nullptr) return;
  count("reset", of->connection->number, 0);
  of->connection->server_reset = true;
  of->connection->lost |= !of->connection->to_client.empty() || of->connection->blocked_us != 0;
  of->connection->to_client.clear();
}

void simulated_kernel::close_connection(int poller, int descriptor) {
  use(poller, kind::poller, "close_connection");
  const auto place = static_cast<std::size_t>(descriptor);
  // A successor closes what its predecessor has closed.
  if (place < descriptors_.size() && descriptors_[place].is_presented) return close(descriptor);
  descriptor_state* of = use(descriptor, kind::connection, "close_connection");
  if (of == nullptr) return;
  of->watched = false;
  close(descriptor);
}

void simulated_kernel::close_listener(int poller, int descriptor) {
  use(poller, kind::poller, "close_listener");
  if (use(descriptor, kind::listener, "close_listener") == nullptr) return;
  descriptors_[static_cast<std::size_t>(descriptor)].watched = false;
  close(descriptor);
}

int simulated_kernel::open_poller() {
  return give(kind::poller);
}

bool simulated_kernel::watch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  use(poller, kind::poller, "watch");
  const auto place = static_cast<std::size_t>(descriptor);
  count("watch", static_cast<std::uint64_t>(descriptor), what);
  if (descriptor < 0 || place >= descriptors_.size() || descriptors_[place].what == kind::none) {
    trace_.violate("kernel: closed descriptor used", "watch " + std::to_string(descriptor));
    return false;
  }
  descriptor_state& of = descriptors_[place];
  if (of.watched) trace_.violate("kernel: watched twice", "descriptor " + number(place));
  of.watched = true;
  of.key = key;
  of.wanted = what;
  return true;
}

bool simulated_kernel::rewatch(int poller, int descriptor, std::uint64_t key, std::uint32_t what) {
  use(poller, kind::poller, "rewatch");
  const auto place = static_cast<std::size_t>(descriptor);
  count("rewatch", static_cast<std::uint64_t>(descriptor), what);
  if (descriptor < 0 || place >= descriptors_.size() || !descriptors_[place].watched) {
    trace_.violate("kernel: closed descriptor used", "rewatch " + std::to_string(descriptor));
    return false;
  }
  descriptors_[place].key = key;
  descriptors_[place].wanted = what;
  return true;
}

void simulated_kernel::unwatch(int poller, int descriptor) {
  use(poller, kind::poller, "unwatch");
  const auto place = static_cast<std::size_t>(descriptor);
  count("unwatch", static_cast<std::uint64_t>(descriptor), 0);
  if (descriptor >= 0 && place < descriptors_.size()) descriptors_[place].watched = false;
}

std::uint32_t simulated_kernel::readiness(const descriptor_state& of) const {
  if (of.what == kind::listener) return waiting_.empty() ? 0 : chinwag::kernel::readable;
  if (of.what == kind::wakeup) return of.rung > 0 ? chinwag::kernel::readable : 0;
  if (of.what != kind::connection) return 0;
  const link& at = *of.connection;
  std::uint32_t ready = 0;
  if (!at.to_server.empty() || at.client_fin || at.client_reset) ready |= chinwag::kernel::readable;
  const std::size_t free = at.room - std::min(at.room, at.to_client.size());
  if (free * 3 >= at.room || at.client_reset) ready |= chinwag::kernel::writable;
  if (at.client_reset || (at.client_fin && at.server_fin)) ready |= chinwag::kernel::broken;
  return ready;
}

std::size_t simulated_kernel::collect(std::span<event> into) {
  std::vector<event> found;
  for (const descriptor_state& of : descriptors_) {
    if (!of.watched || of.handed_over || of.is_presented) continue;
    std::uint32_t ready = readiness(of) & (of.wanted | chinwag::kernel::broken);
    const bool spurious = !calm_ && choices_.chance(habits_.spurious);
    if (spurious) ready |= of.wanted;
    if (ready != 0) found.push_back({of.key, ready});
  }
  for (std::size_t i = found.size(); i > 1; --i) {
    std::swap(found[i - 1], found[static_cast<std::size_t>(choices_.below(i))]);
  }
  std::size_t size = std::min(found.size(), into.size());
  if (!calm_ && size > 1 && choices_.chance(habits_.few_events)) {
    size = static_cast<std::size_t>(choices_.between(1, size));
  }
  std::copy_n(found.begin(), size, into.begin());
  return size;
}

std::size_t simulated_kernel::wait(int poller, std::span<event> into, int timeout_ms) {
  use(poller, kind::poller, "wait");
  count("wait", static_cast<std::uint64_t>(timeout_ms), 0);
  last_timeout_ms_ = timeout_ms;
  woke_us_ = now_us_;
  std::size_t found = collect(into);
  if (found > 0 || timeout_ms == 0) return found;
  if (meanwhile) {
    std::exchange(meanwhile, {})();
    found = collect(into);
    if (found > 0) return found;
  }
  if (owed && timeout_ms != 1) {  // which it asks for to look again soon
    const std::string what = owed();
    if (!what.empty()) trace_.violate("kernel: wake-up lost", "it sleeps and owes " + what);
  }
  rested_ = true;
  const auto asked_us = static_cast<std::uint64_t>(timeout_ms) * 1'000;
  now_us_ += timeout_ms < 0 ? patience_us_ : std::min(asked_us, patience_us_);
  woke_us_ = now_us_;
  return 0;
}

int simulated_kernel::open_wakeup() {
  return give(kind::wakeup);
}

void simulated_kernel::wake(int wakeup) {
  descriptor_state* of = use(wakeup, kind::wakeup, "wake");
  if (of != nullptr) ++of->rung;
}

void simulated_kernel::clear_wakeup(int wakeup) {
  descriptor_state* of = use(wakeup, kind::wakeup, "clear_wakeup");
  if (of == nullptr) return;
  count("clear_wakeup", of->rung, 0);
  of->rung = 0;
}

void simulated_kernel::close(int descriptor) {
  const auto place = static_cast<std::size_t>(descriptor);
  count("close", place, 0);
  if (descriptor < 0 || place >= descriptors_.size() || descriptors_[place].what == kind::none) {
    trace_.violate("kernel: closed twice", "descriptor " + std::to_string(descriptor));
    return;
  }
  descriptor_state& of = descriptors_[place];
  if (of.handed_over || of.is_presented) return give_back(descriptor);
  if (of.what == kind::listener) {
    for (link* dropped : waiting_) dropped->refused = true;
    waiting_.clear();
    listener_ = -1;
  }
  if (of.what == kind::connection) {
    link& over = *of.connection;
    if (of.watched) {
      trace_.violate("kernel: closed while watched", "connection " + number(over.number));
    }
    over.server_closed = true;
    over.server_reset |= !over.to_server.empty();
    over.descriptor = -1;
  }
  give_back(descriptor);
}

// Looking at the clock stands for the work between two looks: time passes also in a turn that makes
// no other call.
std::uint64_t simulated_kernel::monotonic_us() {
  return ++now_us_;
}

std::uint64_t simulated_kernel::unix_ms() {
  return unix_now_ms();
}

bool simulated_kernel::random_bytes(std::span<unsigned char> into) {
  for (unsigned char& byte : into) byte = static_cast<unsigned char>(choices_.below(256));
  return true;
}

}  // namespace simulation
