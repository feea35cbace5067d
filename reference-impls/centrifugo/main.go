// Runs Centrifugo with the settings of chat/1: translates the environment, answers /health on an
// address of its own, passes on the signals that end it, and ends as it ends.
package main

import (
	"errors"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// version is Centrifugo's, given by the build.
var version = "0.0.0"

func main() {
	log.SetFlags(0)
	runtime.LockOSThread() // The kernel ends the child with the thread that started it.
	if len(os.Args) != 3 {
		log.Fatal("usage: server CENTRIFUGO CONFIG, the paths of the binary and of its config.json")
	}
	settings, err := settingsFrom(os.Getenv)
	if err == nil {
		err = probe(settings.address())
	}
	if err != nil {
		log.Fatal(err)
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, os.Interrupt)
	centrifugo := exec.Command(os.Args[1], "--config", os.Args[2])
	centrifugo.Env = append(os.Environ(), settings.environment()...)
	centrifugo.Stdout = os.Stderr
	centrifugo.Stderr = os.Stderr
	centrifugo.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := centrifugo.Start(); err != nil {
		log.Fatalf("cannot start Centrifugo: %v", err)
	}
	health := serveHealth(settings, centrifugo.Process.Pid)
	go func() {
		number := <-ends
		health.Close() // First: a successor answers on its address from now on.
		centrifugo.Process.Signal(number)
	}()
	os.Exit(exitCode(centrifugo.Wait()))
}

// probe tells whether Centrifugo could listen: its own complaint is one of many lines.
func probe(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return errors.New("cannot serve: " + err.Error())
	}
	return listener.Close()
}

// exitCode is the child's own, or 1 where a signal ended it.
func exitCode(err error) int {
	var ended *exec.ExitError
	if err == nil {
		return 0
	}
	if errors.As(err, &ended) && ended.ExitCode() > 0 {
		return ended.ExitCode()
	}
	return 1
}
