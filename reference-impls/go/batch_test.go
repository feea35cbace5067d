package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// countingTCP is a real TCP connection that counts what would be system calls.
type countingTCP struct {
	*net.TCPConn
	writes int
}

func (c *countingTCP) Write(bytes []byte) (int, error) {
	c.writes++
	return c.TCPConn.Write(bytes)
}

// batchPair is a batch over TCP, its counter, and the other end.
func batchPair(t *testing.T) (*batch, *countingTCP, net.Conn) {
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
	counting := &countingTCP{TCPConn: near.(*net.TCPConn)}
	return &batch{tcp: counting, more: func() bool { return false }}, counting, far
}

func write(t *testing.T, b *batch, text string) {
	t.Helper()
	if _, err := b.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func expectAll(t *testing.T, far net.Conn, want string) {
	t.Helper()
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("got %.20q of %d bytes, %v, want %.20q", got, len(got), err, want)
	}
}

func TestFramesThatWaitAreWrittenTogether(t *testing.T) {
	b, counting, far := batchPair(t)
	for waiting := 3; waiting >= 0; waiting-- {
		b.more = func() bool { return waiting > 0 }
		write(t, b, "frame.")
	}
	if counting.writes != 1 {
		t.Errorf("%d system calls, want 1", counting.writes)
	}
	b.CloseWrite()
	expectAll(t, far, "frame.frame.frame.frame.")
}

func TestAFrameThatNoneFollowsIsWrittenAtOnce(t *testing.T) {
	b, counting, _ := batchPair(t)
	for writes := 1; writes <= 3; writes++ {
		write(t, b, "frame.")
		if counting.writes != writes || b.held != nil {
			t.Errorf("%d system calls after %d frames", counting.writes, writes)
		}
	}
}

func TestABatchIsBounded(t *testing.T) {
	b, counting, far := batchPair(t)
	b.more = func() bool { return true }
	frame := strings.Repeat("x", 1_000)
	for written := 0; written <= batchBytes; written += len(frame) {
		write(t, b, frame)
	}
	if counting.writes == 0 {
		t.Errorf("nothing was written of more than %d bytes", batchBytes)
	}
	b.CloseWrite()
	expectAll(t, far, strings.Repeat(frame, batchBytes/len(frame)+1))
}

func TestTheEndSendsWhatIsHeld(t *testing.T) {
	b, counting, far := batchPair(t)
	b.more = func() bool { return true }
	write(t, b, "the answer to a close")
	if counting.writes != 0 {
		t.Error("it should have been held for more")
	}
	b.CloseWrite()
	expectAll(t, far, "the answer to a close")
}

func TestACloseIsAnsweredWhileMessagesWait(t *testing.T) {
	address, _ := startVariant(t, "tuned")
	ann := dial(t, address, "ann")
	for i := 0; i < 1_000; i++ {
		send(t, ann, `{"type":"heartbeat"}`)
	}
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := ann.WriteMessage(websocket.CloseMessage, goodbye); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := ann.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			return
		}
		if err != nil {
			t.Fatalf("got %v, want a close with 1000", err)
		}
	}
}
