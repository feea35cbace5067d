//go:build tuned

package main

import (
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/gorilla/websocket"
)

var variants = []string{"tuned", "coalesced"}

// socketBytes keep what the system takes for a client far below pendingBytesMax: left alone, it
// would let a socket's buffers grow to several megabytes.
const socketBytes = 64 << 10

// pipe is a client's connection with an outbox over real TCP, and the other end of that.
func pipe(t *testing.T, w *writer) (*connection, net.Conn) {
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
	near.(*net.TCPConn).SetWriteBuffer(socketBytes)
	far.(*net.TCPConn).SetReadBuffer(socketBytes)
	o := newOutboxOf(near.(*net.TCPConn), w)
	o.serving = true
	return &connection{outbox: o}, far
}

// resting is a writer that thinks a goroutine is at it: turns are the test's.
func resting() *writer {
	w := newWriters(1, 0)[0]
	w.running = true
	return w
}

func expectAll(t *testing.T, far io.Reader, want ...frame) {
	t.Helper()
	all := slices.Concat(want...)
	if got, err := io.ReadAll(far); err != nil || !bytes.Equal(got, all) {
		t.Errorf("got %.20q of %d bytes, %v, want %.20q of %d", got, len(got), err, all, len(all))
	}
}

// goodbye is what gorilla/websocket writes of a close without a code.
var goodbye = frame{0x88, 0}

func TestATurnWritesAllThatWaitsInItsOrder(t *testing.T) {
	w := resting()
	c, far := pipe(t, w)
	one, two := newRoom("one"), newRoom("two")
	one.add(c)
	two.add(c)
	a, b, own := forAll([]byte("a")), forAll([]byte("b")), forAll([]byte("own"))
	one.tell(a)
	two.tell(b)
	c.deliver(own)
	one.tell(a)
	w.turn()
	if o := c.outbox; o.size != 0 || o.waiting != nil || o.pending() != 0 {
		t.Errorf("%d bytes and %v are kept once all is written", o.size, o.waiting)
	}
	two.tell(b)
	two.remove(c)
	two.tell(a)
	c.outbox.Write(goodbye)
	expectAll(t, far, a, b, own, a, b, goodbye)
}

func TestAMemberWhoseRoomStandsInLineIsWrittenOnce(t *testing.T) {
	w := resting()
	c, _ := pipe(t, w)
	r := newRoom("r")
	r.add(c)
	c.deliver(forAll([]byte("own")))
	r.tell(forAll([]byte("text")))
	if len(w.line) != 2 || !c.outbox.leaveLine() {
		t.Errorf("%d stand in line, and the client's write does not wait for its room's", len(w.line))
	}
}

func TestNothingFollowsAClose(t *testing.T) {
	c, far := pipe(t, newWriters(1, 0)[0])
	r := newRoom("r")
	r.add(c)
	c.outbox.Write(goodbye)
	c.deliver(forAll([]byte("late")))
	r.tell(forAll([]byte("late")))
	c.outbox.Write(goodbye)
	expectAll(t, far, goodbye)
	r.mutex.Lock() // The writer's turn looks at the room, too.
	r.remove(c)
	r.mutex.Unlock()
	if !r.isEmpty() {
		t.Error("a client that is closed stays a member")
	}
}

// full is a client whose socket takes no more, however long one waits.
func full(t *testing.T, w *writer, r *room) (*connection, net.Conn) {
	t.Helper()
	c, far := pipe(t, w)
	r.add(c)
	for message := forAll(make([]byte, 60_000)); !c.outbox.holds(pendingBytesMax / 2); {
		r.tell(message)
		c.outbox.flush(w.try)
	}
	return c, far
}

func TestAMemberThatDoesNotReadIsKeptUpToTheLimit(t *testing.T) {
	w, r := resting(), newRoom("r")
	c, _ := full(t, w, r)
	message := forAll(make([]byte, 60_000))
	for !c.outbox.holds(pendingBytesMax - len(message) - pieceBytes) {
		r.tell(message)
		if !c.outbox.flush(w.try) {
			t.Fatal("let go, though less than the limit waits")
		}
	}
	if fits, _ := c.outbox.put(message); fits {
		t.Error("a frame fits that is one too many")
	}
	r.tell(message)
	r.tell(message)
	if c.outbox.flush(w.try) {
		t.Error("kept, though more than the limit waits")
	}
	if c.outbox.Write(goodbye); c.outbox.holds(2*pendingBytesMax) || !c.outbox.holds(0) {
		t.Error("a close should find room in a full outbox")
	}
}

func TestOfARoomThatIsLeftAFewBytesAreCopied(t *testing.T) {
	w, r := resting(), newRoom("r")
	c, _ := pipe(t, w)
	r.add(c)
	c.outbox.busy = true // As if its socket took no more.
	r.tell(forAll(make([]byte, 100)))
	tail := r.log.tail
	r.remove(c)
	last := c.outbox.waiting[len(c.outbox.waiting)-1]
	if len(last) == 0 || unsafe.SliceData(last) == &tail.bytes[int(tail.used.Load())-len(last)] {
		t.Error("the piece keeps the room's chunk")
	}
}

func TestWhatASlowClientHasTakenNoLongerWaits(t *testing.T) {
	w := resting()
	c, far := pipe(t, w)
	message := forAll(make([]byte, 60_000))
	for fits := true; fits; {
		fits, _ = c.outbox.put(message)
		c.outbox.flush(w.try)
	}
	if !c.outbox.holds(pendingBytesMax / 2) {
		t.Fatal("nothing waits")
	}
	for c.outbox.holds(pendingBytesMax / 2) {
		if _, err := io.CopyN(io.Discard, far, 10_000); err != nil {
			t.Fatal(err)
		}
	}
	if !c.outbox.holds(0) {
		t.Error("half of it was read, and nothing waits")
	}
}

func TestWhoReadsIsNotClosedForABurst(t *testing.T) {
	w := resting()
	c, far := pipe(t, w)
	read := make(chan int64)
	go func() { bytes, _ := io.Copy(io.Discard, far); read <- bytes }()
	message, sent := forAll(make([]byte, 60_000)), 0
	for sent < 4*pendingBytesMax {
		if fits, _ := c.outbox.put(message); fits {
			sent += len(message)
		} else if sent < pendingBytesMax {
			t.Fatal("refused before a first write, though the socket was empty")
		} else {
			select {
			case <-c.outbox.sent:
			case <-time.After(10 * time.Second):
				t.Fatal("nothing is written, though the client reads")
			}
		}
	}
	c.outbox.Write(goodbye)
	if got := <-read; got != int64(sent+len(goodbye)) {
		t.Errorf("%d bytes came, want %d", got, sent)
	}
}

func TestADelayEndsWithAClose(t *testing.T) {
	c, far := pipe(t, newWriters(1, time.Hour)[0])
	text := forAll([]byte("text"))
	c.deliver(text)
	c.deliver(text)
	c.outbox.Write(goodbye)
	expectAll(t, far, text, text, goodbye)
}

func TestADelayEndsWhereAWriteIsFull(t *testing.T) {
	c, far := pipe(t, newWriters(1, time.Hour)[0])
	r := newRoom("r")
	r.add(c)
	text := forAll(bytes.Repeat([]byte("x"), 1+earlyBytes/2))
	r.tell(text)
	r.tell(text)
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
