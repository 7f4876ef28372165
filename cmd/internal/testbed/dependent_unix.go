//go:build unix && !linux

package testbed

import "syscall"

// dependent has a process not get what the terminal sends to the testbed, which ends it in good
// order.
func dependent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
