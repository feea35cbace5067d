package main

import (
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

func TestConnectionsThatDoNotUpgradeEnd(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(&handler{hub: newHub()}, 100*time.Millisecond)
	server.Start()
	defer server.Close()
	for _, sent := range []string{
		"",
		"GET /ws HTTP/1.1\r\nHost: h\r\n",
		"GET /health HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"GET /health HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %q the server keeps the connection", sent)
		}
	}
}
