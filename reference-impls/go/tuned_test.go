//go:build tuned

package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var variants = []string{"tuned", "coalesced"}

// pipe is an outbox over a real TCP connection, and the other end of that.
func pipe(t *testing.T, delay time.Duration) (*outbox, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	far, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	o := newOutboxOf(near.(*net.TCPConn), delay)
	o.serving = true
	return o, far
}

func expectAll(t *testing.T, far io.Reader, want ...frame) {
	t.Helper()
	got, err := io.ReadAll(far)
	all := bytes.Join(net.Buffers(frames(want)), nil)
	if err != nil || !bytes.Equal(got, all) {
		t.Errorf("got %.20q of %d bytes, %v, want %.20q of %d", got, len(got), err, all, len(all))
	}
}

func frames(of []frame) (all [][]byte) {
	for _, f := range of {
		all = append(all, f)
	}
	return all
}

// goodbye is what gorilla/websocket writes of a close without a code.
var goodbye = frame{0x88, 0}

func TestFramesThatWaitAreOneBatch(t *testing.T) {
	o, far := pipe(t, 0)
	o.sending = true // As if a goroutine were writing what came before.
	text := forAll([]byte("text"))
	for i := 0; i < 3; i++ {
		o.put(text)
	}
	o.Write(goodbye)
	if len(*o.waiting) != 4 {
		t.Errorf("%d frames wait, want 4", len(*o.waiting))
	}
	o.send()
	if o.bytes != 0 || o.waiting != nil || o.sending {
		t.Errorf("%d bytes and %v are kept once all is written", o.bytes, o.waiting)
	}
	expectAll(t, far, text, text, text, goodbye)
}

func TestNothingFollowsAClose(t *testing.T) {
	o, far := pipe(t, 0)
	o.Write(goodbye)
	o.put(forAll([]byte("late")))
	o.Write(goodbye)
	expectAll(t, far, goodbye)
}

func TestAnOutboxTakesNoMoreThanItsLimit(t *testing.T) {
	o, _ := pipe(t, 0)
	o.sending = true
	message := forAll(make([]byte, 60_000))
	for taken := len(message); taken <= pendingBytesMax; taken += len(message) {
		if !o.put(message) {
			t.Fatalf("refused at %d bytes", taken)
		}
	}
	if o.put(message) {
		t.Errorf("took %d bytes", o.bytes)
	}
	if o.Write(goodbye); !o.ended {
		t.Error("a close should find room in a full outbox")
	}
}

func TestADelayEndsWithAClose(t *testing.T) {
	o, far := pipe(t, time.Hour)
	text := forAll([]byte("text"))
	o.put(text)
	o.put(text)
	o.Write(goodbye)
	expectAll(t, far, text, text, goodbye)
}

func TestADelayEndsWhereAWriteIsFull(t *testing.T) {
	o, far := pipe(t, time.Hour)
	text := forAll(bytes.Repeat([]byte("x"), 1+earlyBytes/2))
	o.put(text)
	o.put(text)
	if _, err := io.ReadFull(far, make([]byte, 2*len(text))); err != nil {
		t.Error(err)
	}
}

func TestFramesOfEveryLengthAreWhole(t *testing.T) {
	for _, name := range variants {
		address, hub := startVariant(t, name)
		ann := dial(t, address, "ann")
		for _, size := range []int{0, 1, 125, 126, 65_535, 65_536} {
			send(t, ann, `{"type":"heartbeat"}`)
			expect(t, ann, "heartbeat") // By now the hub knows of her.
			hub.mutex.RLock()
			hub.users["ann"].deliver(forAll(bytes.Repeat([]byte("x"), size)))
			hub.mutex.RUnlock()
			_, text, err := ann.ReadMessage()
			if err != nil || string(text) != strings.Repeat("x", size) {
				t.Errorf("got %.10q of %d bytes, %v, want %d", text, len(text), err, size)
			}
		}
	}
}

func TestACloseIsAnsweredBehindWhatWaits(t *testing.T) {
	address, _ := startVariant(t, "coalesced")
	ann := dial(t, address, "ann")
	const asked = 1_000
	for i := 0; i < asked; i++ {
		send(t, ann, `{"type":"heartbeat"}`)
	}
	farewell := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := ann.WriteMessage(websocket.CloseMessage, farewell); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < asked; i++ {
		expect(t, ann, "heartbeat")
	}
	if _, _, err := ann.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("got %v, want a close with 1000", err)
	}
}
