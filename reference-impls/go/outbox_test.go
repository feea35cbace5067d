//go:build !tuned

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

var variants = []string{""} // That of this build.

func TestAnOutboxIsAsLongAsItIsSet(t *testing.T) {
	for text, want := range map[string]int{"": 256, "1024": 1024} {
		t.Setenv("CHAT_OUTBOX", text)
		if got := cap(newUpgrader("").newOutbox(nil).frames); got != want {
			t.Errorf("CHAT_OUTBOX is %q: got %d messages, want %d", text, got, want)
		}
	}
}

func TestAllVariantsOfThisBuildAreServedByIt(t *testing.T) {
	for _, name := range built {
		newUpgrader(name)
	}
}

func TestSettingsOfAnOutboxAreChecked(t *testing.T) {
	if os.Getenv("OUTBOX_OF_A_TEST") != "" {
		newUpgrader(os.Getenv("CHAT_VARIANT"))
		return
	}
	for set, want := range map[string]string{
		"CHAT_OUTBOX=0":      `CHAT_OUTBOX is "0": give a whole number from 1 to 65536`,
		"CHAT_OUTBOX=65537":  `CHAT_OUTBOX is "65537": give a whole number from 1 to 65536`,
		"CHAT_OUTBOX=long":   `CHAT_OUTBOX is "long": give a whole number from 1 to 65536`,
		"CHAT_VARIANT=tuned": `CHAT_VARIANT is "tuned": this build is ` + built[0],
	} {
		child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), "OUTBOX_OF_A_TEST=1", set)
		said, err := child.CombinedOutput()
		if err == nil || !strings.Contains(string(said), want) {
			t.Errorf("%s: got %v and %q, want %q", set, err, said, want)
		}
	}
}
