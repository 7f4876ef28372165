//go:build !unix

package testbed

import "syscall"

func dependent() *syscall.SysProcAttr { return nil }
