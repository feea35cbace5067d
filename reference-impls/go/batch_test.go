//go:build batched

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// writes is a socket that keeps what is written to it, write by write.
type writes struct {
	net.Conn
	all []string
}

func (w *writes) Write(bytes []byte) (int, error) {
	w.all = append(w.all, string(bytes))
	return w.Conn.Write(bytes)
}

type watchedHijacker struct {
	http.ResponseWriter
	socket *writes
}

func (h watchedHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := h.ResponseWriter.(http.Hijacker).Hijack()
	h.socket.Conn = conn
	return &batcher{Conn: h.socket}, buffers, err
}

// written are the writes by which messages leave that wait when the writer starts.
func written(t *testing.T, messages []frame, texts []string) []string {
	t.Helper()
	socket, started := &writes{}, make(chan *connection, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := (&websocket.Upgrader{}).Upgrade(watchedHijacker{w, socket}, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		socket.all = nil // The answer to the handshake.
		c := &connection{conn: conn, outbox: newUpgrader("").newOutbox(conn)}
		for _, f := range messages {
			c.deliver(f)
		}
		go c.writePump(time.Minute)
		started <- c
	}))
	defer server.Close()
	client := open(t, strings.TrimPrefix(server.URL, "http://"), "")
	c := <-started
	for _, text := range texts {
		if _, got, err := client.ReadMessage(); err != nil || string(got) != text {
			t.Errorf("got %.10q, %v, want %.10q", got, err, text)
		}
	}
	c.conn.NetConn().(*batcher).mutex.Lock() // Behind the last write.
	return socket.all
}

func TestWhatWaitsIsOneWriteWithAFrameAMessage(t *testing.T) {
	texts := []string{"one", strings.Repeat("x", 5_000), "three"}
	waiting := []frame{
		forAll([]byte(texts[0])),
		forOne(websocket.TextMessage, []byte(texts[1])), // More than the library's buffer.
		forAll([]byte(texts[2])),
	}
	if all := written(t, waiting, texts); len(all) != 1 {
		t.Errorf("got %d writes, want 1", len(all))
	}
}

func TestABatchEndsOnceThereIsEnough(t *testing.T) {
	half := strings.Repeat("x", batchBytes/2)
	texts := []string{half, half, half, half}
	var waiting []frame
	for _, text := range texts {
		waiting = append(waiting, forAll([]byte(text)))
	}
	if all := written(t, waiting, texts); len(all) != 2 {
		t.Errorf("got %d writes, want 2", len(all))
	}
}

func TestNothingFollowsAWriteThatFailed(t *testing.T) {
	near, far := net.Pipe()
	far.Close()
	socket := &writes{Conn: near}
	b := &batcher{Conn: socket}
	b.hold()
	b.Write([]byte("one"))
	if err := b.release(); err != io.ErrClosedPipe {
		t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
	}
	if _, err := b.Write([]byte("two")); err != io.ErrClosedPipe || len(socket.all) != 1 {
		t.Errorf("got %v and %d writes, want %v and 1", err, len(socket.all), io.ErrClosedPipe)
	}
}
