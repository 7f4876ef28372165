package pow

import "syscall"

// forbidCode keeps the process from making memory executable that was not
// before (Linux 6.3 and later).
func forbidCode() error {
	const setMDWE, refuseExecGain = 65, 1
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, setMDWE, refuseExecGain, 0, 0, 0, 0); err != 0 {
		return err
	}
	return nil
}
