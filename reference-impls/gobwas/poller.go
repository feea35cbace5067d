package main

import (
	"net"
	"os"
	"sync"
	"syscall"
)

const eventsAtOnce = 256

// poller starts a goroutine for a connection once it has something to be read, so that an idle one
// needs neither a goroutine nor a buffer. It is an epoll of its own below the runtime's: the
// runtime waits for this one as for any file, and no thread is held in a system call.
type poller struct {
	file        *os.File
	fd          int
	mutex       sync.Mutex
	connections map[int32]*connection
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	// os.NewFile hands what does not block to the runtime's poller.
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "epoll")
	return &poller{file: file, fd: fd, connections: map[int32]*connection{}}, nil
}

// run ends with an error only.
func (p *poller) run() error {
	raw, _ := p.file.SyscallConn() // It fails for no open file.
	events := make([]syscall.EpollEvent, eventsAtOnce)
	for {
		count := 0
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			count, failed = syscall.EpollWait(int(fd), events, 0)
			return count > 0 || failed != nil
		})
		if err != nil {
			return err
		}
		if failed != nil && failed != syscall.EINTR {
			return os.NewSyscallError("epoll_wait", failed)
		}
		for i := 0; i < count; i++ {
			if c := p.find(events[i].Fd); c != nil {
				go c.read(nil)
			}
		}
	}
}

func (p *poller) find(fd int32) *connection {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.connections[fd]
}

// add has the poller wait for the first bytes, or not yet.
func (p *poller) add(c *connection, wait bool) {
	p.control(c.TCPConn, syscall.EPOLL_CTL_ADD, wait, func(fd int32) {
		c.fd = fd
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.connections[fd] = c
	})
}

// again has it wait for more, once all that had come is read.
func (p *poller) again(c *connection) {
	p.control(c.TCPConn, syscall.EPOLL_CTL_MOD, true, func(int32) {})
}

// remove forgets the connection. The kernel does so when its descriptor is closed; by then a new
// connection may have that number.
func (p *poller) remove(c *connection) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.connections[c.fd] == c {
		delete(p.connections, c.fd)
	}
}

// control does nothing for a connection that is closed: whoever reads it notices.
func (p *poller) control(conn *net.TCPConn, operation int, wait bool, before func(fd int32)) {
	event := syscall.EpollEvent{Events: syscall.EPOLLONESHOT}
	if wait {
		event.Events |= syscall.EPOLLIN | syscall.EPOLLRDHUP
	}
	raw, _ := conn.SyscallConn() // Control fails for a closed one, not this.
	raw.Control(func(fd uintptr) {
		event.Fd = int32(fd)
		before(event.Fd)
		syscall.EpollCtl(p.fd, operation, int(fd), &event)
	})
}
