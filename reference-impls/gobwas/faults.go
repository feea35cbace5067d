package main

import (
	"cmp"
	"os"
	"time"
)

var (
	// faultsAsked makes the server obey requests for faults. By them a kit measures what follows.
	faultsAsked = os.Getenv("CHAT_FAULTS") == "1"
	// build is what a new build is told from the old one by.
	build = cmp.Or(os.Getenv("CHAT_BUILD"), "1")
)

// commitFault does what a defect in a handler would do: it panics, or does not come to an end. Who
// asks for the build is told.
func (c *connection) commitFault(kind string, request map[string]any) {
	if !faultsAsked {
		return
	}
	switch kind {
	case "__build":
		c.answer(event{Type: kind, Build: build})
	case "__crash":
		panic("__crash was asked for")
	case "__spin":
		ms, _ := request["ms"].(float64)
		for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); {
		}
	}
}
