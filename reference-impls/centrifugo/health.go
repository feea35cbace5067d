package main

import (
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"time"
)

const healthTimeout = time.Second

// serveHealth answers as chat/1 says, for the process pid: Centrifugo's own /health, which it asks
// each time, says {} once it serves.
func serveHealth(s settings, pid int) *http.Server {
	body, _ := json.Marshal(map[string]any{
		"status": "ok", "implementation": "centrifugo", "version": version,
		"pid": pid, "workers": []int{pid},
	})
	asked := http.Client{Timeout: healthTimeout}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		answer, err := asked.Get("http://" + s.address() + "/health")
		if err != nil {
			http.Error(w, "Centrifugo does not serve", http.StatusServiceUnavailable)
			return
		}
		answer.Body.Close()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.StatusCode)
		w.Write(body)
	})
	server := &http.Server{Handler: routes, ReadHeaderTimeout: healthTimeout}
	listener, err := net.Listen("tcp", s.healthAddress())
	if err != nil {
		log.Fatalf("cannot answer /health: %v", err)
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Fatalf("cannot answer /health: %v", err)
		}
	}()
	return server
}
