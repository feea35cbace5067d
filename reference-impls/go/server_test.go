package main

import (
	"bytes"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// start serves on a free port until the test ends, and gives the address and the hub.
func start(t *testing.T) (string, *hub) {
	t.Helper()
	return startVariant(t, "")
}

func startVariant(t testing.TB, name string) (string, *hub) {
	t.Helper()
	h := &handler{hub: newHub(), pingInterval: time.Minute, idleTimeout: time.Minute}
	h.upgrader = newUpgrader(name)
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		h.hub.stop()
	})
	return strings.TrimPrefix(server.URL, "http://"), h.hub
}

func dial(t testing.TB, address, user string) *websocket.Conn {
	t.Helper()
	conn := open(t, address, "user="+user)
	expect(t, conn, `"type":"welcome"`, user)
	return conn
}

// open connects and leaves the welcome to be read.
func open(t testing.TB, address, query string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func send(t testing.TB, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, conn *websocket.Conn, parts ...string) {
	t.Helper()
	_, text, err := conn.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(string(text), part) {
			t.Fatalf("got %s, want %q in it", text, part)
		}
	}
}

// masked is a client's frame of up to 125 bytes, masked with zeros.
func masked(kind byte, payload string) []byte {
	const final, mask = 0x80, 0x80
	head := []byte{final | kind, mask | byte(len(payload)), 0, 0, 0, 0}
	return append(head, payload...)
}

func TestTheMembersOfARoomHearEachOther(t *testing.T) {
	address, _ := start(t)
	ann, bob := dial(t, address, "ann"), dial(t, address, "bob")
	send(t, ann, `{"type":"join","room":"r"}`)
	expect(t, ann, "user_joined", "ann")
	send(t, bob, `{"type":"join","room":"r"}`)
	expect(t, bob, "user_joined", "bob")
	expect(t, ann, "user_joined", "bob")
	send(t, bob, `{"type":"message","room":"r","content":"\u0000"}`)
	expect(t, ann, `"content":"\u0000"`, `"user":"bob"`)
	bob.Close()
	expect(t, ann, "user_left", "bob")
}

// What a request says may lie in memory that the next one is read into.
func TestARoomKeepsItsNameWhenMoreIsRead(t *testing.T) {
	address, _ := start(t)
	ann := dial(t, address, "ann")
	for i := range 9 {
		name := strconv.Itoa(i)
		send(t, ann, `{"type":"join","room":"`+name+`"}`)
		expect(t, ann, "user_joined", `"room":"`+name+`"`)
	}
	for i := range 9 {
		name := strconv.Itoa(i)
		send(t, ann, `{"type":"message","room":"`+name+`","content":"c"}`)
		expect(t, ann, `"type":"message"`, `"room":"`+name+`"`)
	}
	for i := range 9 {
		name := strconv.Itoa(i)
		send(t, dial(t, address, "bob"), `{"type":"join","room":"`+name+`"}`)
		expect(t, ann, "user_joined", `"room":"`+name+`"`, "bob")
	}
}

func TestAFastSenderIsServedInFull(t *testing.T) {
	address, _ := start(t)
	askFast(t, dial(t, address, "ann"), 20_000)
}

func askFast(t *testing.T, ann *websocket.Conn, messages int) {
	t.Helper()
	go func() {
		for i := 0; i < messages; i++ {
			if ann.WriteMessage(websocket.TextMessage, []byte(`{"type":"heartbeat"}`)) != nil {
				return // The reader below reports it.
			}
		}
	}()
	for i := 0; i < messages; i++ {
		expect(t, ann, "heartbeat")
	}
}

func TestASlowConsumerIsClosedAndNobodyElse(t *testing.T) {
	address, hub := start(t)
	ann, slow := dial(t, address, "ann"), dial(t, address, "slow")
	for _, conn := range []*websocket.Conn{slow, ann} {
		send(t, conn, `{"type":"join","room":"r"}`)
		expect(t, conn, "user_joined")
	}
	message := `{"type":"message","room":"r","content":"` + strings.Repeat("x", 60_000) + `"}`
	for gone := false; !gone; {
		send(t, ann, message)
		ann.SetReadDeadline(time.Now().Add(10 * time.Second)) // For each message anew.
		_, text, err := ann.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		gone = strings.Contains(string(text), "user_left")
	}
	hub.mutex.RLock()
	defer hub.mutex.RUnlock()
	if len(hub.users) != 1 {
		t.Errorf("%d users are connected, want 1", len(hub.users))
	}
}

func TestStopTellsEveryone(t *testing.T) {
	address, hub := start(t)
	ann := dial(t, address, "ann")
	stopped := make(chan struct{})
	go func() { hub.stop(); close(stopped) }()
	if _, _, err := ann.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("got %v, want a close with 1012", err)
	}
	ann.Close()
	<-stopped
}

func TestBadInputEndsItsConnection(t *testing.T) {
	address, _ := start(t)
	for text, code := range map[string]int{
		"{":                        websocket.CloseUnsupportedData,
		"\xff":                     websocket.CloseInvalidFramePayloadData,
		strings.Repeat(" ", 65537): websocket.CloseMessageTooBig,
	} {
		conn := dial(t, address, "ann")
		send(t, conn, text)
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, code) {
			t.Errorf("%.10q: got %v, want a close with %d", text, err, code)
		}
		if _, err := io.Copy(io.Discard, conn.NetConn()); err != nil {
			t.Errorf("%.10q: the TCP connection should end in order: %v", text, err)
		}
	}
}

func TestWhatIsDueComesBeforeAClose(t *testing.T) {
	const asked = 60
	for text, code := range map[string]int{
		"{":                        websocket.CloseUnsupportedData,
		strings.Repeat(" ", 65537): websocket.CloseMessageTooBig,
		"":                         websocket.CloseNormalClosure, // The client's own.
	} {
		address, _ := start(t)
		ann := dial(t, address, "ann")
		for i := 0; i < asked; i++ {
			send(t, ann, `{"type":"heartbeat"}`)
		}
		if text != "" {
			send(t, ann, text)
		} else {
			bye := websocket.FormatCloseMessage(code, "")
			ann.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
		}
		for i := 0; i < asked; i++ {
			expect(t, ann, "heartbeat")
		}
		if _, _, err := ann.ReadMessage(); !websocket.IsCloseError(err, code) {
			t.Errorf("got %v, want a close with %d", err, code)
		}
	}
}

func TestWhatCameBeforeAResetIsServed(t *testing.T) {
	const messages = 200
	address, _ := start(t)
	ann := dial(t, address, "ann")
	send(t, ann, `{"type":"join","room":"r"}`)
	expect(t, ann, "user_joined", "ann")
	for round := 0; round < 10; round++ {
		bob := dial(t, address, "bob")
		send(t, bob, `{"type":"join","room":"r"}`)
		socket := bob.NetConn().(*net.TCPConn)
		// In one write: segments of their own would not all fit into the kernel's receive buffer.
		message := masked(websocket.TextMessage, `{"type":"message","room":"r","content":"hello"}`)
		if _, err := socket.Write(bytes.Repeat(message, messages)); err != nil {
			t.Fatal(err)
		}
		socket.SetLinger(0)
		bob.Close()
		expect(t, ann, "user_joined", "bob")
		for i := 0; i < messages; i++ {
			expect(t, ann, "hello")
		}
		expect(t, ann, "user_left", "bob")
	}
}

func TestWhoEndsOnlyItsOwnSideHasAllItsAnswers(t *testing.T) {
	const asked = 200
	for _, variant := range variants {
		address, _ := startVariant(t, variant)
		ann := dial(t, address, "ann")
		socket := ann.NetConn().(*net.TCPConn)
		beats := bytes.Repeat(masked(websocket.TextMessage, `{"type":"heartbeat"}`), asked)
		if _, err := socket.Write(beats); err != nil {
			t.Fatal(err)
		}
		socket.CloseWrite()
		for i := 0; i < asked; i++ {
			expect(t, ann, "heartbeat")
		}
		if _, _, err := ann.ReadMessage(); err == nil {
			t.Error("the connection should end")
		}
		if _, err := io.Copy(io.Discard, socket); err != nil {
			t.Errorf("the TCP connection should end in order: %v", err)
		}
	}
}

func TestPingsAreAnsweredInOrder(t *testing.T) {
	const pings = 5_000
	address, _ := start(t)
	ann := dial(t, address, "ann")
	answered := 0
	ann.SetPongHandler(func(payload string) error {
		if payload != strconv.Itoa(answered) {
			t.Errorf("got %s, want %d", payload, answered)
		}
		answered++
		return nil
	})
	go func() {
		for i := 0; i < pings; i++ {
			payload := []byte(strconv.Itoa(i))
			if ann.WriteMessage(websocket.PingMessage, payload) != nil {
				return // The reader below reports it.
			}
		}
		ann.WriteMessage(websocket.TextMessage, []byte(`{"type":"heartbeat"}`))
	}()
	expect(t, ann, "heartbeat")
	if answered != pings {
		t.Errorf("%d of %d pings are answered", answered, pings)
	}
}

func TestWhoReadsNoPongsIsReadNoMore(t *testing.T) {
	const bytesMax = 32 << 20 // The kernel's buffers in both directions, and the outbox.
	address, _ := start(t)
	ann := dial(t, address, "ann")
	socket := ann.NetConn().(*net.TCPConn)
	socket.SetReadBuffer(4_096)
	pings := bytes.Repeat(masked(websocket.PingMessage, strings.Repeat("x", 125)), 500)
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
