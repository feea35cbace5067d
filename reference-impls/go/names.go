package main

import (
	"errors"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

var errBadUser = errors.New("user: give 1 to 64 bytes of UTF-8 without control characters")

func isName(name string) bool {
	return name != "" && len(name) <= 64 && utf8.ValidString(name) &&
		strings.IndexFunc(name, unicode.IsControl) < 0
}

// userOf finds the user in a query. url.ParseQuery would do, were it not that it drops what it
// can't decode, which would turn a bad name into a random one.
func userOf(query string) (string, error) {
	for _, pair := range strings.Split(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != "user" {
			continue
		}
		if value == "" {
			break
		}
		user, err := url.QueryUnescape(value)
		if err != nil || !isName(user) {
			return "", errBadUser
		}
		return user, nil
	}
	return uuid.NewString(), nil
}
