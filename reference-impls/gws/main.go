// A chat/1 server with net/http and gws: a hub, a goroutine a client and one while it is sent to.
package main

import (
	"fmt"
	"log"
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

const version = "0.1.0"

func main() {
	log.SetFlags(0)
	host := os.Getenv("CHAT_HOST")
	if host == "" {
		host = "127.0.0.1"
	}
	port := strconv.Itoa(setting("CHAT_PORT", 4000))
	runtime.GOMAXPROCS(setting("CHAT_WORKERS", 0)) // 0 leaves it to the runtime.
	options := &gws.ServerOption{CheckUtf8Enabled: true, ReadMaxPayloadSize: messageBytesMax}
	h := &handler{
		hub:          newHub(),
		upgrader:     gws.NewUpgrader(events{}, options),
		pingInterval: time.Duration(setting("CHAT_PING_INTERVAL_MS", 30_000)) * time.Millisecond,
		idleTimeout:  time.Duration(setting("CHAT_IDLE_TIMEOUT_MS", 60_000)) * time.Millisecond,
	}
	server := http.Server{Addr: net.JoinHostPort(host, port), Handler: h}
	server.ReadHeaderTimeout, server.MaxHeaderBytes = 10*time.Second, 16<<10

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-stop
		server.Close()
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal("cannot serve: ", err)
	}
	h.hub.stop()
}

// setting reads a whole number above 0 from the environment.
func setting(name string, fallback int) int {
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		log.Fatalf("%s is %q: give a whole number above 0", name, text)
	}
	return number
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
	user := r.URL.Query().Get("user")
	if user == "" {
		user = uuid.NewString()
	}
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
	t := &transport{conn.(*net.TCPConn)}
	defer t.end()
	// gws.Upgrader.Upgrade would drop what came together with the request.
	if socket, err := h.upgrader.UpgradeFromConn(t, buffered.Reader, r); err == nil {
		h.serve(socket, user)
	}
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
