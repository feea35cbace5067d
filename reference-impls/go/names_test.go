package main

import (
	"regexp"
	"strings"
	"testing"
)

func TestIsName(t *testing.T) {
	for _, name := range []string{"a", " ", "é", strings.Repeat("é", 32), "\u00a0"} {
		if !isName(name) {
			t.Errorf("%q should be a name", name)
		}
	}
	for _, name := range []string{"", strings.Repeat("é", 32) + "x", "\x00", "\x7f", "\u009f", "\xff"} {
		if isName(name) {
			t.Errorf("%q should not be a name", name)
		}
	}
}

func TestUserOf(t *testing.T) {
	for query, want := range map[string]string{
		"user=ann":               "ann",
		"x=1&user=a%26b+c&user=": "a&b c",
		"us%65r=ann":             "ann",
		"user=a;b":               "a;b",
	} {
		if user, err := userOf(query); err != nil || user != want {
			t.Errorf("%s: got %q, %v, want %q", query, user, err, want)
		}
	}
	for _, query := range []string{"user=%ff", "user=%zz", "user=%00", "user=" + strings.Repeat("x", 65)} {
		if user, err := userOf(query); err == nil {
			t.Errorf("%s: got %q, want an error", query, user)
		}
	}
}

func TestUserOfGivesARandomName(t *testing.T) {
	uuid4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for _, query := range []string{"", "user", "user=", "user=&user=ann", "other=1"} {
		if user, err := userOf(query); err != nil || !uuid4.MatchString(user) {
			t.Errorf("%q: got %q, %v, want a UUID", query, user, err)
		}
	}
}
