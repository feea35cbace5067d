package main

import (
	"slices"
	"strings"
	"testing"
)

func reads(t *testing.T, environment map[string]string) settings {
	t.Helper()
	found, err := settingsFrom(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDefaultsAreThoseOfTheProtocol(t *testing.T) {
	found := reads(t, nil)
	if found.address() != "127.0.0.1:4000" || found.healthAddress() != "127.0.0.10:4000" {
		t.Error(found.address(), found.healthAddress())
	}
	for _, option := range []string{
		"CENTRIFUGO_HTTP_SERVER_PORT=4000",
		"CENTRIFUGO_CLIENT_PING_INTERVAL=30s",
		"CENTRIFUGO_CLIENT_PONG_TIMEOUT=29.97s",
	} {
		if !slices.Contains(found.environment(), option) {
			t.Errorf("%s is not in %v", option, found.environment())
		}
	}
}

func TestSilenceIsNoticedWithinTheIdleTimeoutAndBeforeTheNextPing(t *testing.T) {
	for _, timers := range [][2]string{
		{"250", "1500"}, {"30000", "40000"}, {"500", "500"}, {"1000", "1"},
	} {
		found := reads(t, map[string]string{
			"CHAT_PING_INTERVAL_MS": timers[0], "CHAT_IDLE_TIMEOUT_MS": timers[1],
		})
		pong := found.pongTimeout()
		if pong <= 0 || pong >= found.pingEvery() {
			t.Errorf("%v: Centrifugo does not start with %v", timers, pong)
		}
		if pong < found.idleTimeout/4 && pong < found.pingEvery()*99/100 {
			t.Errorf("%v: nobody can answer within %v", timers, pong)
		}
		if noticed := found.pingEvery() + pong; noticed > found.idleTimeout {
			t.Errorf("%v: noticed after %v", timers, noticed)
		}
	}
}

func TestWorkersAreThreadsOfGo(t *testing.T) {
	found := reads(t, map[string]string{"CHAT_WORKERS": "3"})
	if !slices.Contains(found.environment(), "GOMAXPROCS=3") {
		t.Error(found.environment())
	}
	for _, option := range reads(t, nil).environment() {
		if strings.HasPrefix(option, "GOMAXPROCS") {
			t.Errorf("%s though nobody asked for it", option)
		}
	}
}

func TestABadSettingIsNamed(t *testing.T) {
	for name, text := range map[string]string{
		"CHAT_PORT": "70000", "CHAT_BACKLOG": "0", "CHAT_WORKERS": "many",
		"CHAT_PING_INTERVAL_MS": "-1",
	} {
		_, err := settingsFrom(func(asked string) string {
			if asked == name {
				return text
			}
			return ""
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, text, err)
		}
	}
}
