package api

import (
	"errors"
	"net/http"
	"testing"
)

func TestErrorIs(t *testing.T) {
	t.Parallel()
	err := error(NotFound("no record %d", 7))
	if !errors.Is(err, &Error{Status: http.StatusNotFound}) || errors.Is(err, &Error{Status: http.StatusConflict}) || err.Error() != "no record 7" {
		t.Errorf("%v", err)
	}
}
