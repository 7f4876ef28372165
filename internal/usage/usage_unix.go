//go:build unix

package usage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Usage is what a process has used since it started.
type Usage struct {
	// Processor is the processor time on all cores, of user and system. For other processes it is
	// known to 10 ms.
	Processor time.Duration
	// Read and Written are the bytes of all its system calls on files, pipes and sockets, whether a
	// disk was touched or not. What is mapped is not among them.
	Read, Written uint64
	// Dirtied are the bytes of the pages that it made the kernel write to disks, mapped ones
	// included.
	Dirtied uint64
}

// Sub returns what was used since an earlier moment.
func (u Usage) Sub(before Usage) Usage {
	return Usage{u.Processor - before.Processor, u.Read - before.Read, u.Written - before.Written, u.Dirtied - before.Dirtied}
}

// Self returns what this process has used. The error is an [errors.ErrUnsupported] where the system
// does not tell.
func Self() (Usage, error) {
	u, err := read("self")
	if err != nil {
		return u, err
	}
	u.Processor, err = ownProcessor()
	return u, err
}

// ProcessorTime returns what this process has used on all cores, of user and system. t, a test or
// benchmark, fails where the system does not tell.
func ProcessorTime(t interface{ Fatal(args ...any) }) time.Duration {
	d, err := ownProcessor()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func ownProcessor() (time.Duration, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), nil
}

// Of returns what another process has used.
func Of(pid int) (Usage, error) {
	u, err := read(strconv.Itoa(pid))
	if err == nil {
		u.Processor, err = processor(pid)
	}
	return u, err
}

func read(process string) (u Usage, err error) {
	text, err := procFile(process, "io")
	if err != nil {
		return u, err
	}
	for name, into := range map[string]*uint64{"rchar:": &u.Read, "wchar:": &u.Written, "write_bytes:": &u.Dirtied} {
		if *into, err = field(text, name); err != nil {
			return u, err
		}
	}
	return u, nil
}

// processor reads the processor time from where it stands in /proc/PID/stat, in ticks, of which
// Linux shows programs 100 a second.
func processor(pid int) (time.Duration, error) {
	text, err := procFile(strconv.Itoa(pid), "stat")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, ") ") // after the name, which may be anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%w: /proc/%d/stat has %d fields", errors.ErrUnsupported, pid, len(fields))
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("user time: %w", err)
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("system time: %w", err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// Memory is what a process holds of the machine's memory, in bytes.
type Memory struct {
	Resident  uint64 // all
	Anonymous uint64 // of that, what is in no file: the kernel cannot drop it
}

// MemoryOf returns the memory of a process.
func MemoryOf(pid int) (m Memory, err error) {
	text, err := procFile(strconv.Itoa(pid), "status")
	if err != nil {
		return m, err
	}
	for name, into := range map[string]*uint64{"VmRSS:": &m.Resident, "RssAnon:": &m.Anonymous} {
		kib, err := field(text, name)
		if err != nil {
			return m, err
		}
		*into = kib << 10
	}
	return m, nil
}

func procFile(process, name string) (string, error) {
	text, err := os.ReadFile("/proc/" + process + "/" + name)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%w: what process %s uses is not told here", errors.ErrUnsupported, process)
	}
	return string(text), err
}

// field returns the number after a name at the beginning of a line.
func field(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return strconv.ParseUint(words[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%w: %s is not told", errors.ErrUnsupported, strings.TrimSuffix(name, ":"))
}
