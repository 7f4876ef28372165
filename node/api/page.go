package api

import (
	"net/url"
	"strconv"
)

// Page says which part of a list is wanted.
type Page struct {
	// Limit is how long the part is at most, up to [MaxLimit]; 0: [DefaultLimit].
	Limit int
	// After is the Next of the part before; "": the list's beginning.
	After string
}

// Check says what is wrong with a page, nil if nothing is.
func (p *Page) Check() error {
	switch {
	case p.Limit < 0 || p.Limit > MaxLimit:
		return Invalid("the limit must be 0 to %d, not %d", MaxLimit, p.Limit)
	case len(p.After) > MaxCursor:
		return ErrCursor
	}
	return nil
}

// Count is how long the page is at most.
func (p *Page) Count() int {
	if p.Limit == 0 {
		return DefaultLimit
	}
	return p.Limit
}

// values are a page's parameters in a query string.
func (p *Page) values() url.Values {
	v := url.Values{"limit": {strconv.Itoa(p.Limit)}}
	if p.After != "" {
		v.Set("after", p.After)
	}
	return v
}
