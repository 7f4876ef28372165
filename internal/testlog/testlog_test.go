package testlog

import (
	"log/slog"
	"testing"
)

// TestLogAfterTheEnd logs from a goroutine that outlives its test, as libraries do. The race
// detector finds a write that comes after the end.
func TestLogAfterTheEnd(t *testing.T) {
	ended, logged := make(chan struct{}), make(chan struct{})
	t.Run("ends", func(t *testing.T) {
		log := New(t, slog.LevelInfo)
		go func() {
			defer close(logged)
			log.Info("while it runs, or soon after")
			<-ended
			log.Info("after the end")
		}()
	})
	close(ended)
	<-logged
}
