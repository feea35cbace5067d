package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// What published code does, by copies of our own that keep its flaws.

func TestAReadLimitBelowAMessageEndsTheSendersConnection(t *testing.T) {
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			ended <- err
			return
		}
		defer conn.Close()
		conn.SetReadLimit(512)
		_, _, err = conn.ReadMessage()
		ended <- err
	}))
	defer server.Close()
	sender, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if err := sender.WriteMessage(websocket.TextMessage, make([]byte, 1024)); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != websocket.ErrReadLimit {
		t.Errorf("the server reads %v, want the limit's error", err)
	}
	if _, _, err := sender.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("the sender is told %v, want a close with 1009", err)
	}
}

func TestAnUncheckedAssertionEndsTheProcess(t *testing.T) {
	if os.Getenv("LISTING_OF_A_TEST") != "" {
		done := make(chan string)
		payload := map[string]any{"type": "join"}
		go func() { done <- payload["room"].(string) }()
		<-done
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), "LISTING_OF_A_TEST=1")
	said, err := child.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "interface conversion") {
		t.Errorf("got %v and %q, want a panic that ends everything", err, said)
	}
}
