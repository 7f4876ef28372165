package main

import (
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// listenAs listens as another user, if this one may become another. The system notes who began to
// listen, so one thread becomes the other user for as long as that takes.
func listenAs(user int, network, address string) (l net.Listener, err error) {
	if os.Geteuid() != 0 {
		return net.Listen(network, address)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		become := func() error {
			if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(user), ^uintptr(0)); errno != 0 {
				return errno
			}
			return nil
		}
		if network == "unix" {
			l, err = listenUnix(address, become)
		} else if err = become(); err == nil {
			l, err = net.Listen(network, address)
		}
	}()
	<-done
	return l, err
}

// listenUnix makes a socket wherever this user can, and becomes the other one before it listens.
func listenUnix(path string, become func() error) (net.Listener, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, err
	}
	if err := become(); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, 16); err != nil {
		return nil, err
	}
	return net.FileListener(f)
}
