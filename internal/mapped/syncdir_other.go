//go:build !unix

package mapped

import "os"

// syncOpenDir does nothing: there is no such thing on this system.
func syncOpenDir(*os.File) error { return nil }
