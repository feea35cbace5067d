package main

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"strconv"
	"time"
)

// settings are those of chat/1, of which Centrifugo has no option for CHAT_BACKLOG: the kernel's
// net.core.somaxconn is how long Go's queue is.
type settings struct {
	host         string
	port         int
	healthHost   string
	workers      int // 0 leaves it to the runtime.
	pingInterval time.Duration
	idleTimeout  time.Duration
}

func settingsFrom(lookUp func(string) string) (settings, error) {
	read := reader{lookUp: lookUp}
	found := settings{
		host:         cmp.Or(lookUp("CHAT_HOST"), "127.0.0.1"),
		port:         read.number("CHAT_PORT", 4000, math.MaxUint16),
		healthHost:   cmp.Or(lookUp("HEALTH_HOST"), "127.0.0.10"),
		workers:      read.number("CHAT_WORKERS", 0, math.MaxInt32),
		pingInterval: read.milliseconds("CHAT_PING_INTERVAL_MS", 30_000),
		idleTimeout:  read.milliseconds("CHAT_IDLE_TIMEOUT_MS", 60_000),
	}
	read.number("CHAT_BACKLOG", 4096, math.MaxUint16)
	return found, read.err
}

func (s settings) address() string {
	return net.JoinHostPort(s.host, strconv.Itoa(s.port))
}

func (s settings) healthAddress() string {
	return net.JoinHostPort(s.healthHost, strconv.Itoa(s.port))
}

// pingEvery is the ping interval, but a quarter of the idle timeout stays for the answer:
// Centrifugo takes nothing else for a sign of life.
func (s settings) pingEvery() time.Duration {
	return min(s.pingInterval, s.idleTimeout*3/4)
}

// pongTimeout is how long after a ping who has not answered is ended: within the idle timeout, and
// before the next ping, as Centrifugo requires.
func (s settings) pongTimeout() time.Duration {
	return min(s.idleTimeout-s.pingEvery(), s.pingEvery()-s.pingEvery()/1000)
}

// environment holds what config.json can't: options that differ from start to start.
func (s settings) environment() []string {
	set := []string{
		"CENTRIFUGO_HTTP_SERVER_ADDRESS=" + s.host,
		"CENTRIFUGO_HTTP_SERVER_PORT=" + strconv.Itoa(s.port),
		"CENTRIFUGO_CLIENT_PING_INTERVAL=" + s.pingEvery().String(),
		"CENTRIFUGO_CLIENT_PONG_TIMEOUT=" + s.pongTimeout().String(),
	}
	if s.workers > 0 {
		set = append(set, "GOMAXPROCS="+strconv.Itoa(s.workers))
	}
	return set
}

// reader keeps the first error.
type reader struct {
	lookUp func(string) string
	err    error
}

// number reads a whole number from 1 to max.
func (r *reader) number(name string, fallback, max int) int {
	text := r.lookUp(name)
	if text == "" {
		return fallback
	}
	number, err := strconv.Atoi(text)
	if (err != nil || number < 1 || number > max) && r.err == nil {
		r.err = fmt.Errorf("%s is %q: give a whole number from 1 to %d", name, text, max)
	}
	return number
}

func (r *reader) milliseconds(name string, fallback int) time.Duration {
	return time.Duration(r.number(name, fallback, math.MaxInt32)) * time.Millisecond
}
