//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// withChildren has a command ended by a signal to it and to what it has started. It gets a process
// group of its own, so Ctrl-C reaches it through lf alone. kill, after the command's end, ends what
// has ignored the signal.
func withChildren(cmd *exec.Cmd) (kill func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // mostly nobody is left
		}
	}
}
