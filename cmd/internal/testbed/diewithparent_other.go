//go:build !unix

package testbed

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
