package testbed

import "syscall"

// dieWithParent makes a process die with the thread that starts it. Signals that the terminal sends
// to the testbed do not reach it.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
