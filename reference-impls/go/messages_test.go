package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestIsName(t *testing.T) {
	for _, name := range []string{"a", " ", "é", strings.Repeat("é", 32), "\u00a0"} {
		if !isName(name) {
			t.Errorf("%q should be a name", name)
		}
	}
	tooLong := strings.Repeat("é", 32) + "x"
	for _, name := range []string{"", tooLong, "\x00", "\x7f", "\u009f", "\xff"} {
		if isName(name) {
			t.Errorf("%q should not be a name", name)
		}
	}
}

func TestEncodePutsTheTypeFirstAndKeepsEmptyContent(t *testing.T) {
	empty := ""
	text, err := json.Marshal(event{Type: "direct", User: "ann", Content: &empty, Timestamp: 1})
	want := `{"type":"direct","user":"ann","content":"","timestamp":1}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}

func TestWhatIsNotJSONEndsTheConnection(t *testing.T) {
	address, _ := start(t)
	for _, text := range []string{"", "\xef\xbb\xbf{}", "{} x", "{'a':1}", `{"a":NaN}`, `{"a":1,}`} {
		conn := dial(t, address, "ann")
		send(t, conn, text)
		_, _, err := conn.ReadMessage()
		if !websocket.IsCloseError(err, websocket.CloseUnsupportedData) {
			t.Errorf("%q: got %v, want a close with 1003", text, err)
		}
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	address, _ := start(t)
	ann := dial(t, address, "ann")
	for _, text := range []string{
		"[]", `"join"`, "1", "null", "{}", `{"type":null}`, `{"Type":"heartbeat"}`,
		`{"type":"join"}`, `{"type":"leave","room":1}`, `{"type":"message","room":"r"}`,
		`{"type":"direct","to":"","content":""}`, `{"type":"direct","to":"ann","content":null}`,
	} {
		send(t, ann, text)
		expect(t, ann, "error", "bad_request")
	}
}

func TestWhatIsNotKnownIsIgnored(t *testing.T) {
	address, _ := start(t)
	ann := dial(t, address, "ann")
	send(t, ann, `{"type":"dance","room":1}`)
	send(t, ann, `{"type":"join","room":"r","to":1,"x":[[{}]]}`)
	expect(t, ann, "user_joined")
}
