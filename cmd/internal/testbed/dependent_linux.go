package testbed

import "syscall"

// dependent has a process die with the thread that starts it, and not get what the terminal sends
// to the testbed.
func dependent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
