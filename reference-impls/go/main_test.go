package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestSettingsComeFromTheEnvironmentOrElseHaveADefault(t *testing.T) {
	t.Setenv("CHAT_PORT", "5000")
	t.Setenv("CHAT_WORKERS", "")
	port, workers := setting("CHAT_PORT", 4000, 65_535), setting("CHAT_WORKERS", 3, 8)
	if port != 5000 || workers != 3 {
		t.Errorf("got %d and %d, want 5000 and 3", port, workers)
	}
}

func TestASettingOutOfBoundsIsSaidInOneLine(t *testing.T) {
	if text, isChild := os.LookupEnv("SETTING_OF_A_TEST"); isChild {
		t.Setenv("CHAT_BACKLOG", text)
		setting("CHAT_BACKLOG", 4096, 65_535)
		return
	}
	tooLong := "9999999999999999999999"
	for _, text := range []string{"-1", "0", "+5", " 5", "1e3", "0x5", "65536", tooLong, "x"} {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), "SETTING_OF_A_TEST="+text)
		said, err := child.CombinedOutput()
		if err == nil || !strings.Contains(string(said), "CHAT_BACKLOG is ") ||
			!strings.HasSuffix(string(said), "from 1 to 65535\n") {
			t.Errorf("%q: got %v and %q", text, err, said)
		}
	}
}

func TestTheUserComesFromTheQuery(t *testing.T) {
	address, _ := start(t)
	for query, want := range map[string]string{
		"user=ann":               `"ann"`,
		"x=1&user=a%2Bb+c&user=": `"a+b c"`,
		"us%65r=ann":             `"ann"`,
	} {
		expect(t, open(t, address, query), `"type":"welcome"`, want)
	}
	tooLong := "user=" + strings.Repeat("x", 65)
	for _, query := range []string{"user=%ff", "user=%00", tooLong} {
		_, response, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws?"+query, nil)
		if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %v, %v, want status 400", query, response, err)
		}
	}
}

func TestANamelessUserIsGivenAUUID(t *testing.T) {
	address, _ := start(t)
	uuid4 := regexp.MustCompile(
		`"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`)
	for _, query := range []string{"", "user", "user=", "user=&user=ann", "other=1"} {
		_, text, err := open(t, address, query).ReadMessage()
		if err != nil || !uuid4.Match(text) {
			t.Errorf("%q: got %s, %v, want a UUID", query, text, err)
		}
	}
}

func TestConnectionsThatDoNotUpgradeEnd(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(&handler{hub: newHub(), upgrader: newUpgrader("")}, 100*time.Millisecond)
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
