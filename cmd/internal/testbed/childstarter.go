package testbed

import (
	"os/exec"
	"runtime"
	"sync"
)

// childStarter starts processes on one thread of its own. On Linux they die with that thread, and
// so with the testbed, however that ends.
type childStarter struct {
	requests chan startRequest
	done     sync.WaitGroup
}

type startRequest struct {
	cmd     *exec.Cmd
	started chan<- error
}

func newChildStarter() *childStarter {
	n := &childStarter{requests: make(chan startRequest)}
	n.done.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // so that the thread does not end here
		for b := range n.requests {
			b.started <- b.cmd.Start()
		}
	})
	return n
}

func (n *childStarter) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = dieWithParent()
	started := make(chan error)
	n.requests <- startRequest{cmd, started}
	return <-started
}

func (n *childStarter) close() {
	close(n.requests)
	n.done.Wait()
}
