package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// pty is a pseudo-terminal: what a person types and sees on one side, the terminal of a program on the other.
type pty struct {
	person, terminal *os.File
	done             chan struct{}

	mu    sync.Mutex
	seen  bytes.Buffer
	marks map[string]func()
}

// openPTY opens a pseudo-terminal as Linux has them, and skips the test elsewhere.
func openPTY(t *testing.T) *pty {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("pseudo-terminals are opened as on Linux")
	}
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{person: person, terminal: terminal, done: make(chan struct{}), marks: map[string]func(){}}
	go p.watch()
	t.Cleanup(func() { p.person.Close(); p.terminal.Close() })
	return p
}

// watch reads what is drawn until the terminal is closed.
func (p *pty) watch() {
	defer close(p.done)
	buf := make([]byte, 4096)
	for {
		n, err := p.person.Read(buf)
		p.mu.Lock()
		p.seen.Write(buf[:n])
		for mark, do := range p.marks {
			if strings.Contains(p.seen.String(), mark) {
				do()
			}
		}
		p.mu.Unlock()
		if err != nil {
			return // EIO when the last that held the terminal has closed it
		}
	}
}

// onSeen calls do when a text has been drawn.
func (p *pty) onSeen(text string, do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.marks[text] = do
}

func (p *pty) typeIn(t *testing.T, text string) {
	t.Helper()
	if _, err := p.person.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// close closes the terminal and returns all that was drawn on it.
func (p *pty) close(t *testing.T) string {
	t.Helper()
	if err := p.terminal.Close(); err != nil {
		t.Fatal(err)
	}
	<-p.done
	return p.seen.String()
}
