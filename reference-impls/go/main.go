// A chat/1 server with net/http and gorilla/websocket: a hub, two goroutines a client.
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
	h := &handler{
		hub:          newHub(),
		pingInterval: time.Duration(setting("CHAT_PING_INTERVAL_MS", 30_000)) * time.Millisecond,
		idleTimeout:  time.Duration(setting("CHAT_IDLE_TIMEOUT_MS", 60_000)) * time.Millisecond,
		variant:      chosenVariant(os.Getenv("CHAT_VARIANT")),
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

// handler answers HTTP and upgrades /ws. It is no http.ServeMux, because that redirects paths
// such as //ws where chat/1 says 404.
type handler struct {
	hub                       *hub
	pingInterval, idleTimeout time.Duration
	variant                   variant
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
		const health = `{"status":"ok","implementation":"go","version":%q,"pid":%d,"workers":[%[2]d]}`
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
	for _, name := range []string{"Sec-Websocket-Key", "Sec-Websocket-Version"} {
		if len(r.Header[name]) > 1 {
			http.Error(w, "give one "+name, http.StatusBadRequest)
			return
		}
	}
	conn, err := h.variant.upgrade(w, r)
	if err != nil {
		return // Upgrade has answered already.
	}
	h.serve(conn, user)
}
