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
	tooLong := strings.Repeat("é", 32) + "x"
	for _, name := range []string{"", tooLong, "\x00", "\x7f", "\u009f", "\xff"} {
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
	tooLong := "user=" + strings.Repeat("x", 65)
	for _, query := range []string{"user=%ff", "user=%zz", "user=%00", tooLong} {
		if user, err := userOf(query); err == nil {
			t.Errorf("%s: got %q, want an error", query, user)
		}
	}
}

func TestUserOfGivesARandomName(t *testing.T) {
	const hex = "[0-9a-f]"
	uuid4 := regexp.MustCompile(
		"^" + hex + "{8}-" + hex + "{4}-4" + hex + "{3}-[89ab]" + hex + "{3}-" + hex + "{12}$")
	for _, query := range []string{"", "user", "user=", "user=&user=ann", "other=1"} {
		if user, err := userOf(query); err != nil || !uuid4.MatchString(user) {
			t.Errorf("%q: got %q, %v, want a UUID", query, user, err)
		}
	}
}
