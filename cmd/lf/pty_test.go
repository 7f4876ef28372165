package main

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"
)

// pty is a pseudo-terminal: what a person types and sees on one side, the terminal of a program on
// the other.
type pty struct {
	person, terminal *os.File
	done             chan struct{}

	mu    sync.Mutex
	seen  bytes.Buffer
	marks map[string]func()
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
