package testbed

import (
	"os/exec"
	"runtime"
	"sync"
)

// nursery starts processes on one thread that lives as long as it does: on Linux, what it started
// dies with that thread, and so with the testbed, however that ends.
type nursery struct {
	births chan birth
	done   sync.WaitGroup
}

type birth struct {
	cmd     *exec.Cmd
	started chan<- error
}

func newNursery() *nursery {
	n := &nursery{births: make(chan birth)}
	n.done.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // so that the thread does not end here
		for b := range n.births {
			b.started <- b.cmd.Start()
		}
	})
	return n
}

func (n *nursery) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = dependent()
	started := make(chan error)
	n.births <- birth{cmd, started}
	return <-started
}

func (n *nursery) close() {
	close(n.births)
	n.done.Wait()
}
