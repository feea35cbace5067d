package main

import (
	"context"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

func start(t *testing.T) (string, *handler) {
	t.Helper()
	poller, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	go poller.run()
	h := &handler{
		hub: newHub(), poller: poller, pingInterval: time.Minute, idleTimeout: time.Minute,
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		h.hub.stop()
		poller.file.Close()
	})
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/ws", h
}

// dial gives a client whom the hub knows: it has been answered.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, buffered, _, err := ws.Dial(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if buffered == nil { // Else the welcome came with the answer.
		if _, err := wsutil.ReadServerText(conn); err != nil {
			t.Fatal(err)
		}
	}
	if err := wsutil.WriteClientText(conn, []byte(`{"type":"heartbeat"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := wsutil.ReadServerText(conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestAnIdleClientHasNoGoroutine(t *testing.T) {
	const clients = 100
	address, _ := start(t)
	before := runtime.NumGoroutine()
	for i := 0; i < clients; i++ {
		dial(t, address)
	}
	for tries := 0; runtime.NumGoroutine() > before+clients/10; tries++ {
		if tries == 1_000 {
			t.Fatalf("%d goroutines, %d before %d clients", runtime.NumGoroutine(), before, clients)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAConnectionThatEndsIsForgotten(t *testing.T) {
	address, h := start(t)
	dial(t, address).Close()
	h.hub.stop() // Waits until everyone is gone.
	h.poller.mutex.Lock()
	defer h.poller.mutex.Unlock()
	if len(h.poller.connections) != 0 || len(h.hub.users) != 0 {
		t.Errorf("%v and %v are kept", h.poller.connections, h.hub.users)
	}
}
