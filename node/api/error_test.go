package api

import (
	"errors"
	"net/http"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestErrorIs(t *testing.T) {
	err := error(NotFound("no record %d", 7))
	if !errors.Is(err, &Error{Status: http.StatusNotFound}) || errors.Is(err, &Error{Status: http.StatusConflict}) || err.Error() != "no record 7" {
		t.Errorf("%v", err)
	}
	var status huma.StatusError
	if !errors.As(err, &status) || status.GetStatus() != http.StatusNotFound {
		t.Errorf("not a status error of huma: %v", err)
	}
}
