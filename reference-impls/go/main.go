// A chat/1 server with net/http and gorilla/websocket: a hub, two goroutines a client.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/google/uuid"
)

const (
	version    = "0.1.0"
	workersMax = 1_024
	day        = 24 * time.Hour
	// httpTimeout is for a request, for its response, and for the next request.
	httpTimeout = 10 * time.Second
)

func main() {
	log.SetFlags(0)
	host := cmp.Or(os.Getenv("CHAT_HOST"), "127.0.0.1")
	port := strconv.Itoa(setting("CHAT_PORT", 4000, math.MaxUint16))
	runtime.GOMAXPROCS(setting("CHAT_WORKERS", 0, workersMax)) // 0 leaves it to the runtime.
	h := &handler{
		hub:          newHub(),
		upgrader:     newUpgrader(os.Getenv("CHAT_VARIANT")),
		pingInterval: milliseconds("CHAT_PING_INTERVAL_MS", 30_000, day),
		idleTimeout:  milliseconds("CHAT_IDLE_TIMEOUT_MS", 60_000, day),
	}
	server := newServer(h, httpTimeout)
	backlog := setting("CHAT_BACKLOG", 4096, math.MaxUint16)

	told, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(told, func() { server.Close() })
	listener, err := listen(net.JoinHostPort(host, port), backlog)
	if err == nil {
		err = server.Serve(listener)
	}
	if err != http.ErrServerClosed {
		log.Fatal("cannot serve: ", err)
	}
	h.hub.stop()
	h.hub.others.end()
}

// newServer leaves IdleTimeout and ReadHeaderTimeout to net/http, which takes ReadTimeout for them.
// None of them is about upgraded connections.
func newServer(h http.Handler, limit time.Duration) *http.Server {
	return &http.Server{Handler: h, ReadTimeout: limit, WriteTimeout: limit, MaxHeaderBytes: 16 << 10}
}

// listen is net.Listen with a queue of a length of its own, for which that has no parameter: the
// kernel goes by the last call of listen(2). A socket that a service manager passes on is taken
// instead (sd_listen_fds(3)): a successor gets the same one.
func listen(address string, backlog int) (net.Listener, error) {
	if os.Getenv("LISTEN_FDS") == "1" && os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) {
		passed := os.NewFile(3, "LISTEN_FD_3")
		defer passed.Close() // FileListener has a copy.
		return net.FileListener(passed)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	socket, _ := listener.(*net.TCPListener).SyscallConn() // It fails for a closed one only.
	socket.Control(func(fd uintptr) { err = syscall.Listen(int(fd), backlog) })
	return listener, err
}

// setting reads a whole number from 1 to max, decimal digits alone, from the environment.
func setting(name string, fallback, max int) int {
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	number, err := strconv.ParseUint(text, 10, 32) // Atoi would take a sign.
	if err != nil || number < 1 || number > uint64(max) {
		log.Fatalf("%s is %q: give a whole number from 1 to %d", name, text, max)
	}
	return int(number)
}

func milliseconds(name string, fallback int, max time.Duration) time.Duration {
	return time.Duration(setting(name, fallback, int(max.Milliseconds()))) * time.Millisecond
}

// handler answers HTTP and upgrades /ws. It is no http.ServeMux, because that redirects paths
// such as //ws where chat/1 says 404.
type handler struct {
	hub                       *hub
	upgrader                  *upgrader // The variant's: see outbox.go and tuned.go.
	pingInterval, idleTimeout time.Duration
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		// Nothing here has a body. net/http would take what follows chunks for the next request,
		// though a Content-Length said otherwise; and after an upgrade a body would be frames.
		w.Header().Set("Connection", "close")
		http.Error(w, "a request without a body is due", http.StatusBadRequest)
		return
	}
	switch r.URL.Path {
	case "/ws":
		h.upgrade(w, r)
	case "/health":
		w.Header().Set("Content-Type", "application/json")
		const health = `{"status":"ok","implementation":"go","version":%q,"pid":%d,"workers":[%[2]d]%s}`
		fmt.Fprintf(w, health, version, os.Getpid(), h.hub.others.health())
	default:
		http.NotFound(w, r)
	}
}

func (h *handler) upgrade(w http.ResponseWriter, r *http.Request) {
	user := cmp.Or(r.URL.Query().Get("user"), uuid.NewString())
	if !isName(user) {
		http.Error(w, "user: "+nameRule, http.StatusBadRequest)
		return
	}
	for _, name := range []string{"Sec-Websocket-Key", "Sec-Websocket-Version"} {
		if len(r.Header[name]) > 1 {
			http.Error(w, "give one "+name, http.StatusBadRequest)
			return
		}
	}
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered already.
	}
	h.serve(conn, user)
}
