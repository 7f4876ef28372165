package pow

import (
	"runtime"
	"syscall"
)

const niceness = 10

// YieldThread gives the calling goroutine a thread of its own at nice 10, until the goroutine ends:
// then the thread ends, too, since no unprivileged thread may raise its priority again. On other
// systems than Linux it does nothing. [Background] does it for [Solve].
func YieldThread() {
	runtime.LockOSThread()
	// Linux takes a thread's number too. Failing costs others some time.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness)
}
