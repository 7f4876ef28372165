package service

import (
	"time"

	"github.com/lf-store/lf/protocol"
)

func day(ms uint64) string {
	return time.UnixMilli(int64(min(ms, protocol.MaxTimestamp))).UTC().Format(time.RFC3339)
}
