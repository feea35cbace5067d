// A chat/1 server with net/http and gorilla/websocket: a hub, two goroutines a client.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// stopTimeout keeps one of the five seconds that the protocol allows after SIGTERM in reserve.
const stopTimeout = 4 * time.Second

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go:", err)
		os.Exit(1)
	}
}

func run() error {
	settings, err := readSettings(os.Getenv)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(settings.workers) // 0 changes nothing.
	listener, err := net.Listen("tcp", settings.address)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		<-stop.Done()
		listener.Close()
	}()
	h := &handler{hub: newHub(), settings: settings}
	server := http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	if err := server.Serve(listener); stop.Err() == nil {
		return err
	}
	time.AfterFunc(stopTimeout, func() { os.Exit(0) })
	h.hub.stop()
	return nil
}

// settings are what the environment says about how to serve.
type settings struct {
	address                   string
	workers                   int // 0: as many threads as the runtime thinks best.
	pingInterval, idleTimeout time.Duration
}

func readSettings(getenv func(string) string) (settings, error) {
	host := getenv("CHAT_HOST")
	if host == "" {
		host = "127.0.0.1"
	}
	numbers := map[string]int{"CHAT_PORT": 4000, "CHAT_WORKERS": 0,
		"CHAT_PING_INTERVAL_MS": 30_000, "CHAT_IDLE_TIMEOUT_MS": 60_000}
	for name := range numbers {
		text := getenv(name)
		if text == "" {
			continue
		}
		number, err := strconv.Atoi(text)
		if err != nil || number < 1 {
			return settings{}, fmt.Errorf("%s is %q: give a whole number above 0", name, text)
		}
		numbers[name] = number
	}
	return settings{
		address:      net.JoinHostPort(host, strconv.Itoa(numbers["CHAT_PORT"])),
		workers:      numbers["CHAT_WORKERS"],
		pingInterval: time.Duration(numbers["CHAT_PING_INTERVAL_MS"]) * time.Millisecond,
		idleTimeout:  time.Duration(numbers["CHAT_IDLE_TIMEOUT_MS"]) * time.Millisecond,
	}, nil
}
