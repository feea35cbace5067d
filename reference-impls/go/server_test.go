package main

import (
	"io"
	"net/http/httptest"
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
