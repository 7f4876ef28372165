//go:build unix && !linux

package testbed

import "syscall"

// dieWithParent keeps from a process the signals that the terminal sends to the testbed, which ends
// the process in good order.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
