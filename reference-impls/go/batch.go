package main

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

const batchBytes = 32 << 10

// tcp is what a connection needs of its transport.
type tcp interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
}

// batch is a TCP connection that gathers frames while more of them wait: one system call for many.
// gorilla/websocket itself makes one a frame. Joining messages in one frame, as its chat example
// does, is not open to chat/1, where a frame is a message.
type batch struct {
	tcp
	mutex sync.Mutex
	// more says whether another frame is sure to be written after this one. It may change to false
	// between two calls only if that frame is being written: so what is held never stays.
	more func() bool
	held *bufio.Writer
}

// Buffers belong to a connection only while it holds something.
var batchBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, batchBytes) }}

func (b *batch) Write(frame []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	more := b.more()
	if b.held == nil {
		if !more {
			return b.tcp.Write(frame)
		}
		b.held = batchBuffers.Get().(*bufio.Writer)
		b.held.Reset(b.tcp)
	}
	written, err := b.held.Write(frame)
	if err == nil && !more {
		err = b.flush()
	}
	return written, err
}

// CloseWrite sends what is held first. The reader's answer to a close may be held for frames that
// the library will not write any more after it.
func (b *batch) CloseWrite() error {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.held != nil {
		b.flush() // If it fails there is nobody left to tell.
	}
	return b.tcp.CloseWrite()
}

func (b *batch) flush() error {
	err := b.held.Flush()
	b.held.Reset(nil)
	batchBuffers.Put(b.held)
	b.held = nil
	return err
}

// batching puts a batch between the upgraded connection and its socket.
type batching struct{ http.ResponseWriter }

func (b batching) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := b.ResponseWriter.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &batch{tcp: conn.(tcp), more: func() bool { return false }}, buffers, nil
}
