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
