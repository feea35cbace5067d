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
func (c *connection) commitFault(q request) {
	if !faultsAsked {
		return
	}
	switch q.kind {
	case "__build":
		c.reply(event{Type: q.kind, Build: build})
	case "__crash":
		panic("__crash was asked for")
	case "__spin":
		for end := time.Now().Add(time.Duration(q.ms) * time.Millisecond); time.Now().Before(end); {
		}
	}
}
