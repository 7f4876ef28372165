package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestUpgradeBar wants a bar while a database is brought up to date, from where it goes on, and
// none afterwards.
func TestUpgradeBar(t *testing.T) {
	t.Parallel()
	var terminal bytes.Buffer
	b := &upgradeBar{lines: &terminalLog{to: &terminal}}
	b.update(1000, 5000)
	if b.bar == nil {
		t.Error("there is no bar")
	}
	b.update(5000, 5000)
	if b.bar != nil || b.lines.above != nil {
		t.Error("the bar is still there")
	}
	if !strings.Contains(terminal.String(), "bringing the database up to date: 1,000 of 5,000 records") {
		t.Errorf("%q", terminal.String())
	}
	b.end()
}
