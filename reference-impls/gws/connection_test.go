package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lxzan/gws"
)

// client is what came to it, in order: texts, and the close.
type client struct {
	gws.BuiltinEventHandler
	*gws.Conn
	texts chan string
	end   chan error
}

func (c *client) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	c.texts <- string(message.Bytes())
}

func (c *client) OnClose(_ *gws.Conn, err error) {
	close(c.texts)
	c.end <- err
}

func start(t *testing.T) string {
	t.Helper()
	options := &gws.ServerOption{CheckUtf8Enabled: true, ReadMaxPayloadSize: messageBytesMax}
	h := &handler{
		hub: newHub(), upgrader: gws.NewUpgrader(events{}, options),
		pingInterval: time.Minute, idleTimeout: time.Minute,
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		h.hub.stop()
	})
	return "ws" + strings.TrimPrefix(server.URL, "http") + "/ws"
}

// connect gives a client that does not read yet.
func connect(t *testing.T, address, user string) *client {
	t.Helper()
	c := &client{texts: make(chan string, 1_024), end: make(chan error, 1)}
	conn, _, err := gws.NewClient(c, &gws.ClientOption{Addr: address + "?user=" + user})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.NetConn().Close() })
	c.Conn = conn
	return c
}

func dial(t *testing.T, address, user string) *client {
	t.Helper()
	c := connect(t, address, user)
	go c.ReadLoop()
	c.expect(t, "welcome")
	return c
}

func (c *client) expect(t *testing.T, part string) {
	t.Helper()
	select {
	case text := <-c.texts:
		if !strings.Contains(text, part) {
			t.Fatalf("got %q, want %q in it", text, part)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing came, want %q", part)
	}
}

func (c *client) write(t *testing.T, frames []byte) {
	t.Helper()
	if _, err := c.NetConn().Write(frames); err != nil {
		t.Fatal(err)
	}
}

// masked is a client's frame, masked with zeros.
func masked(opcode gws.Opcode, payload string) []byte {
	const final, mask, length16, length64 = 0x80, 0x80, 126, 127
	frame := []byte{final | byte(opcode)}
	switch size := len(payload); {
	case size < length16:
		frame = append(frame, mask|byte(size))
	case size < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, mask|length16), uint16(size))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, mask|length64), uint64(size))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

func TestWhatIsDueComesBeforeAClose(t *testing.T) {
	const asked = 60
	address := start(t)
	for code, last := range map[uint16][]byte{
		1000: masked(gws.OpcodeCloseConnection, "\x03\xe8"),
		1002: masked(gws.Opcode(11), ""),
		1003: append(masked(gws.OpcodeText, "{"), masked(gws.OpcodeCloseConnection, "")...),
		1007: masked(gws.OpcodeText, "\xff"),
		1009: masked(gws.OpcodeText, strings.Repeat(" ", 65_537)),
	} {
		ann := dial(t, address, "ann")
		beats := bytes.Repeat(masked(gws.OpcodeText, `{"type":"heartbeat"}`), asked)
		ann.write(t, append(beats, last...))
		for i := 0; i < asked; i++ {
			ann.expect(t, "heartbeat")
		}
		var closed *gws.CloseError
		if err := <-ann.end; !errors.As(err, &closed) || closed.Code != code {
			t.Errorf("got %v, want a close with %d", err, code)
		}
	}
}

func TestWhatCameBeforeAResetIsServed(t *testing.T) {
	const messages = 200
	address := start(t)
	ann := dial(t, address, "ann")
	ann.write(t, masked(gws.OpcodeText, `{"type":"join","room":"r"}`))
	ann.expect(t, "user_joined")
	message := masked(gws.OpcodeText, `{"type":"message","room":"r","content":"hello"}`)
	for round := 0; round < 10; round++ {
		bob := connect(t, address, "bob")
		bob.write(t, masked(gws.OpcodeText, `{"type":"join","room":"r"}`))
		bob.write(t, bytes.Repeat(message, messages))
		socket := bob.NetConn().(*net.TCPConn)
		socket.SetLinger(0)
		socket.Close()
		ann.expect(t, "user_joined")
		for i := 0; i < messages; i++ {
			ann.expect(t, "hello")
		}
		ann.expect(t, "user_left")
	}
}

func TestWhoEndsOnlyItsOwnSideHasAllItsAnswers(t *testing.T) {
	const asked = 200
	address := start(t)
	for round := 0; round < 10; round++ {
		ann := dial(t, address, "ann")
		ann.write(t, bytes.Repeat(masked(gws.OpcodeText, `{"type":"heartbeat"}`), asked))
		ann.NetConn().(*net.TCPConn).CloseWrite()
		for i := 0; i < asked; i++ {
			ann.expect(t, "heartbeat")
		}
		var closed *gws.CloseError
		if err := <-ann.end; !errors.As(err, &closed) {
			t.Errorf("got %v, want a close", err)
		}
	}
}

func TestWhoReadsNoPongsIsReadNoMore(t *testing.T) {
	const bytesMax = 32 << 20 // The kernel's buffers in both directions.
	address := start(t)
	ann := connect(t, address, "ann")
	socket := ann.NetConn().(*net.TCPConn)
	socket.SetReadBuffer(4_096)
	pings := bytes.Repeat(masked(gws.OpcodePing, strings.Repeat("x", 125)), 500)
	for sent := 0; ; sent += len(pings) {
		socket.SetWriteDeadline(time.Now().Add(time.Second))
		if _, err := socket.Write(pings); err != nil {
			break
		}
		if sent > bytesMax {
			t.Fatalf("%d bytes of pings are taken, though no pong is read", sent)
		}
	}
}

func TestAFastSenderIsServedInFull(t *testing.T) {
	const messages = 20_000
	ann := dial(t, start(t), "ann")
	go ann.NetConn().Write(bytes.Repeat(masked(gws.OpcodeText, `{"type":"heartbeat"}`), messages))
	for i := 0; i < messages; i++ {
		ann.expect(t, "heartbeat")
	}
}
