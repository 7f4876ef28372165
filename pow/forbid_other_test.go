//go:build !linux

package pow

import "errors"

func forbidCode() error { return errors.ErrUnsupported }
