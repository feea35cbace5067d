package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// masked is a client's frame, masked with zeros.
func masked(opcode ws.OpCode, payload string) []byte {
	frame := ws.NewFrame(opcode, true, []byte(payload))
	return ws.MustCompileFrame(ws.MaskFrameWith(frame, [4]byte{}))
}

func write(t *testing.T, conn net.Conn, frames []byte) {
	t.Helper()
	if _, err := conn.Write(frames); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, conn net.Conn, part string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	text, err := wsutil.ReadServerText(conn)
	if err != nil || !strings.Contains(string(text), part) {
		t.Fatalf("got %s, %v, want %q in it", text, err, part)
	}
}

func TestWhatIsDueComesBeforeAClose(t *testing.T) {
	const asked = 60
	address, _ := start(t)
	for code, last := range map[ws.StatusCode][]byte{
		ws.StatusUnsupportedData:         masked(ws.OpText, "{"),
		ws.StatusMessageTooBig:           masked(ws.OpText, strings.Repeat(" ", 65_537)),
		ws.StatusInvalidFramePayloadData: masked(ws.OpText, "\xff"),
		ws.StatusProtocolError:           masked(ws.OpCode(3), ""),
		ws.StatusNormalClosure:           masked(ws.OpClose, ""),
	} {
		ann := dial(t, address)
		write(t, ann, append(bytes.Repeat(masked(ws.OpText, `{"type":"heartbeat"}`), asked), last...))
		for i := 0; i < asked; i++ {
			expect(t, ann, "heartbeat")
		}
		end, err := ws.ReadFrame(ann)
		got, _ := ws.ParseCloseFrameData(end.Payload)
		if err != nil || end.Header.OpCode != ws.OpClose || got != code {
			t.Errorf("got %v, %v, want a close with %d", end, err, code)
		}
	}
}

func TestWhatCameBeforeAResetIsServed(t *testing.T) {
	const messages = 200
	address, _ := start(t)
	ann := dial(t, address+"?user=ann")
	write(t, ann, masked(ws.OpText, `{"type":"join","room":"r"}`))
	expect(t, ann, "user_joined")
	message := masked(ws.OpText, `{"type":"message","room":"r","content":"hello"}`)
	for round := 0; round < 10; round++ {
		bob := dial(t, address+"?user=bob")
		write(t, bob, masked(ws.OpText, `{"type":"join","room":"r"}`))
		write(t, bob, bytes.Repeat(message, messages))
		bob.(*net.TCPConn).SetLinger(0)
		bob.Close()
		expect(t, ann, "user_joined")
		for i := 0; i < messages; i++ {
			expect(t, ann, "hello")
		}
		expect(t, ann, "user_left")
	}
}

func TestWhoEndsOnlyItsOwnSideHasAllItsAnswers(t *testing.T) {
	const asked = 200
	address, _ := start(t)
	for round := 0; round < 10; round++ {
		ann := dial(t, address)
		write(t, ann, bytes.Repeat(masked(ws.OpText, `{"type":"heartbeat"}`), asked))
		ann.(*net.TCPConn).CloseWrite()
		for i := 0; i < asked; i++ {
			expect(t, ann, "heartbeat")
		}
		if end, err := ws.ReadFrame(ann); err != nil || end.Header.OpCode != ws.OpClose {
			t.Errorf("got %v, %v, want a close", end, err)
		}
		if _, err := io.Copy(io.Discard, ann); err != nil {
			t.Errorf("the TCP connection should end in order: %v", err)
		}
	}
}

func TestWhoReadsNoPongsIsReadNoMore(t *testing.T) {
	const bytesMax = 32 << 20 // The kernel's buffers in both directions, and the outbox.
	address, _ := start(t)
	ann := dial(t, address)
	ann.(*net.TCPConn).SetReadBuffer(4_096)
	pings := bytes.Repeat(masked(ws.OpPing, strings.Repeat("x", 125)), 500)
	for sent := 0; ; sent += len(pings) {
		ann.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := ann.Write(pings); err != nil {
			break
		}
		if sent > bytesMax {
			t.Fatalf("%d bytes of pings are taken, though no pong is read", sent)
		}
	}
}

func TestPingsBetweenFragmentsAreAnsweredInTurn(t *testing.T) {
	address, _ := start(t)
	ann := dial(t, address)
	first := ws.NewFrame(ws.OpText, false, []byte(`{"type":`))
	frames := ws.MustCompileFrame(ws.MaskFrameWith(first, [4]byte{}))
	frames = append(frames, masked(ws.OpPing, "one")...)
	frames = append(frames, masked(ws.OpPong, "unasked")...)
	frames = append(frames, masked(ws.OpPing, "")...)
	frames = append(frames, masked(ws.OpContinuation, `"heartbeat"}`)...)
	write(t, ann, append(frames, masked(ws.OpPing, "two")...))
	for _, want := range []string{"one", "", `{"type":"heartbeat"`, "two"} {
		got, err := ws.ReadFrame(ann)
		if err != nil || !strings.HasPrefix(string(got.Payload), want) {
			t.Errorf("got %q, %v, want %q", got.Payload, err, want)
		}
	}
}
