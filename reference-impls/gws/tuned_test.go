//go:build tuned

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

func (h *hub) count() int {
	h.mutex.RLock()
	defer h.mutex.RUnlock()
	return len(h.users)
}

// connectionOf is the server's side of the client with the name.
func connectionOf(t *testing.T, h *handler, user string) *connection {
	t.Helper()
	h.hub.mutex.RLock()
	defer h.hub.mutex.RUnlock()
	for c := range h.hub.users[user] {
		return c
	}
	t.Fatalf("nobody is called %q", user)
	return nil
}

func startHandler(t *testing.T) (*handler, string) {
	t.Helper()
	h := &handler{
		hub: newHub(), upgrader: gws.NewUpgrader(events{}, &gws.ServerOption{}),
		pingInterval: time.Minute, idleTimeout: time.Minute,
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		h.hub.stop()
	})
	return h, "ws" + server.URL[len("http"):] + "/ws"
}

func TestWhatWaitsIsTakenByOneJobInItsOrder(t *testing.T) {
	const messages = 3_000 // More than one writev takes.
	h, address := startHandler(t)
	ann := dial(t, address, "ann")
	c := connectionOf(t, h, "ann")
	busy, free := make(chan struct{}), make(chan struct{})
	c.socket.Async(func() {
		close(busy)
		<-free
	})
	<-busy
	for i := range messages {
		c.answer(event{Type: fmt.Sprintf("number %d.", i)})
	}
	c.transport.filling.Lock()
	waiting := len(*c.transport.waiting)
	c.transport.filling.Unlock()
	close(free)
	if waiting != messages {
		t.Errorf("%d of %d frames wait together", waiting, messages)
	}
	for i := range messages {
		ann.expect(t, fmt.Sprintf("number %d.", i))
	}
	c.pace()
	if left := c.transport.pending.Load(); left != 0 {
		t.Errorf("%d bytes are still counted", left)
	}
}

func TestNothingFollowsACloseThatGwsWrites(t *testing.T) {
	h, address := startHandler(t)
	ann := connect(t, address, "ann")
	for h.hub.count() == 0 { // The answer to the upgrade comes before the hub knows.
		time.Sleep(time.Millisecond)
	}
	c := connectionOf(t, h, "ann")
	last := []byte{0x80 | byte(gws.OpcodeCloseConnection), 0}
	if _, err := c.transport.Write(last); err != nil {
		t.Fatal(err)
	}
	c.answer(event{Type: "late"})
	c.socket.Async(func() { c.transport.CloseWrite() })
	ann.NetConn().SetReadDeadline(time.Now().Add(10 * time.Second))
	came, err := io.ReadAll(ann.NetConn())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(came, last) {
		t.Errorf("%q comes behind a close", came)
	}
}
