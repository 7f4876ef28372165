package testbed

import "bytes"

func (r *Report) timeline() ([]byte, error) {
	var b bytes.Buffer
	return b.Bytes(), nil
}
