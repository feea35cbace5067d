// A chat/1 server with net/http and gws: a hub, a goroutine a client and one while it is sent to.
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
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/lxzan/gws"
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
	checkVariant(os.Getenv("CHAT_VARIANT"))
	host := cmp.Or(os.Getenv("CHAT_HOST"), "127.0.0.1")
	port := strconv.Itoa(setting("CHAT_PORT", 4000, math.MaxUint16))
	runtime.GOMAXPROCS(setting("CHAT_WORKERS", 0, workersMax)) // 0 leaves it to the runtime.
	options := &gws.ServerOption{CheckUtf8Enabled: true, ReadMaxPayloadSize: messageBytesMax}
	h := &handler{
		hub:          newHub(),
		upgrader:     gws.NewUpgrader(events{}, options),
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

// handler answers HTTP and upgrades /ws.
type handler struct {
	hub                       *hub
	upgrader                  *gws.Upgrader
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
		const health = `{"status":"ok","implementation":"gws","version":%q,"pid":%d,"workers":[%[2]d]}`
		fmt.Fprintf(w, health, version, os.Getpid())
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
	if !isUpgrade(r) {
		http.Error(w, "an upgrade to WebSocket is due", http.StatusBadRequest)
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return // The client has gone.
	}
	t := &transport{TCPConn: conn.(*net.TCPConn)}
	// gws.Upgrader.Upgrade would drop what came together with the request.
	if buffered.Reader.Buffered() == 0 {
		buffered.Reader.Reset(t) // Else it reads by way of net/http, and keeps what that needs.
	}
	socket, err := h.upgrader.UpgradeFromConn(t, buffered.Reader, r)
	if err != nil {
		t.end()
		return
	}
	h.serve(socket, t, user)
}

// isUpgrade looks at what gws would not: all lines of lists, whole members, repeated fields.
// What it takes for an upgrade it writes as gws knows it.
func isUpgrade(r *http.Request) bool {
	for _, name := range []string{"Sec-Websocket-Key", "Sec-Websocket-Version"} {
		if len(r.Header[name]) != 1 {
			return false
		}
	}
	for name, member := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"} {
		if !hasMember(r.Header[name], member) {
			return false
		}
		r.Header.Set(name, member)
	}
	return r.Method == http.MethodGet
}

func hasMember(lines []string, member string) bool {
	for _, one := range strings.Split(strings.Join(lines, ","), ",") {
		if strings.EqualFold(strings.TrimSpace(one), member) {
			return true
		}
	}
	return false
}
