package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParseRequestTellsMalformedFromNotAnObject(t *testing.T) {
	notJSON := []string{"", "{", "\xef\xbb\xbf{}", "{} x", "{'a':1}", `{"a":NaN}`, `{"a":1,}`}
	for _, text := range notJSON {
		if _, err := parseRequest([]byte(text)); err == nil || errors.Is(err, errNotAnObject) {
			t.Errorf("%q: got %v, want a syntax error", text, err)
		}
	}
	for _, text := range []string{"[]", `"join"`, "1", "true"} {
		if _, err := parseRequest([]byte(text)); !errors.Is(err, errNotAnObject) {
			t.Errorf("%q: got %v, want %v", text, err, errNotAnObject)
		}
	}
}

func TestIgnoredFieldsMayHoldAnything(t *testing.T) {
	deep := strings.Repeat("[", 16) + strings.Repeat("]", 16)
	r, err := parseRequest([]byte(`{"x":1e999,"type":"join","y":` + deep + `}`))
	if kind, ok := r.text("type"); err != nil || !ok || kind != "join" {
		t.Errorf("got %q, %v, %v", kind, ok, err)
	}
}

func TestFieldsMustBeStringsUnderTheirExactNames(t *testing.T) {
	for _, text := range []string{"{}", "null", `{"type":null}`, `{"type":1}`, `{"Type":"join"}`} {
		r, err := parseRequest([]byte(text))
		if kind, ok := r.text("type"); err != nil || ok {
			t.Errorf("%s: got %q, %v, want no type", text, kind, err)
		}
	}
}

func TestEncodePutsTheTypeFirstAndKeepsEmptyContent(t *testing.T) {
	text, err := json.Marshal(event{Type: "direct", User: "ann", Content: []byte(`""`), Timestamp: 1})
	want := `{"type":"direct","user":"ann","content":"","timestamp":1}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v, want %s", text, err, want)
	}
}
