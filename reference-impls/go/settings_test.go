package main

import (
	"strings"
	"testing"
	"time"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestSettingsHaveDefaults(t *testing.T) {
	got, err := readSettings(environment(nil))
	want := settings{"127.0.0.1:4000", 0, 30 * time.Second, time.Minute}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	got, err := readSettings(environment(map[string]string{
		"CHAT_HOST": "::1", "CHAT_PORT": "5000", "CHAT_WORKERS": "3",
		"CHAT_PING_INTERVAL_MS": "20", "CHAT_IDLE_TIMEOUT_MS": "50",
	}))
	want := settings{"[::1]:5000", 3, 20 * time.Millisecond, 50 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestBadSettingsAreNamed(t *testing.T) {
	for _, text := range []string{"x", "0", "-1", "1.5"} {
		_, err := readSettings(environment(map[string]string{"CHAT_WORKERS": text}))
		if err == nil || !strings.Contains(err.Error(), "CHAT_WORKERS") {
			t.Errorf("%s: got %v, want an error that names the variable", text, err)
		}
	}
}
