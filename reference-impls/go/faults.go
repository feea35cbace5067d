package main

import (
	"os"
	"time"
)

// faultsAsked makes the server obey requests for faults. By them a kit measures what follows.
var faultsAsked = os.Getenv("CHAT_FAULTS") == "1"

// commitFault does what a defect in a handler would do: it panics, or does not come to an end.
func commitFault(kind string, request map[string]any) {
	if !faultsAsked {
		return
	}
	switch kind {
	case "__crash":
		panic("__crash was asked for")
	case "__spin":
		ms, _ := request["ms"].(float64)
		for end := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(end); {
		}
	}
}
