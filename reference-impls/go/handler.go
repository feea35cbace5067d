package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/gorilla/websocket"
)

const version = "0.1.0"

// handler answers HTTP and upgrades /ws. It is no http.ServeMux, because that redirects paths
// such as //ws where chat/1 says 404.
type handler struct {
	hub      *hub
	settings settings
}

// The origin is not checked: chat/1 leaves that to whatever stands in front. Compression is off
// unless one asks this library for it.
var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	user, err := userOf(r.URL.RawQuery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conn, err := upgrader.Upgrade(hijacker{w, h.settings.idleTimeout}, r, nil)
	if err != nil {
		return // Upgrade has answered already.
	}
	newConnection(conn, h.hub, user).serve(h.settings.pingInterval)
}
