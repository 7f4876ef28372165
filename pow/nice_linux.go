package pow

import (
	"runtime"
	"syscall"
)

const niceness = 10

// yieldThread lowers the priority of the goroutine's thread. No unprivileged
// thread may raise it again, so the goroutine keeps the thread, which ends with
// it.
func yieldThread() {
	runtime.LockOSThread()
	// Linux takes a thread's number too. Failing costs others some time.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness)
}
