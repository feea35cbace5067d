package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

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
