package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// kvQuery reads a query off the query string of GET /v1/kv. It is strict: a parameter that is unknown, or given twice
// where one is meant, is an error and not a different answer.
func kvQuery(r *http.Request) (Query, error) {
	q := Query{Decrypt: true}
	var seen kvSeen
	for rest := r.URL.RawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		key, value, err := unescapePair(pair)
		if err != nil {
			return q, err
		}
		if err := q.setParameter(key, value, &seen); err != nil {
			return q, err
		}
	}
	if len(q.Selectors) == 0 {
		return q, Invalid("no selector is given: add k=NAME, k=NAME%%23ORDINAL or k=NAME%%23FROM%%23TO (%%23 is an escaped #)")
	}
	return q, q.Check()
}

// kvSeen remembers which parameters were there.
type kvSeen struct{ open, limit, history, since, until bool }

func once(seen *bool, key string) error {
	if *seen {
		return Invalid("parameter %q is given twice", key)
	}
	*seen = true
	return nil
}

func (q *Query) setParameter(key, value string, seen *kvSeen) (err error) {
	switch key {
	case "k":
		return q.addSelector(value)
	case "owner":
		return q.addOwner(value)
	case "open":
		q.Open, err = parseFlag(key, value, &seen.open)
	case "history":
		q.History, err = parseFlag(key, value, &seen.history)
	case "since":
		q.Since, err = parseNumber(key, value, &seen.since)
	case "until":
		q.Until, err = parseNumber(key, value, &seen.until)
	case "limit":
		var n uint64
		n, err = parseNumber(key, value, &seen.limit)
		q.Limit = int(min(n, MaxLimit+1)) //nolint:gosec // Check refuses what is above MaxLimit
	default:
		return Invalid("unknown parameter %q", key)
	}
	return err
}

func (q *Query) addSelector(expression string) error {
	if len(q.Selectors) >= protocol.MaxSelectors {
		return Invalid("more than %d selectors", protocol.MaxSelectors)
	}
	e, err := protocol.ParseExpression(expression)
	if err != nil {
		return Invalid("%v", err)
	}
	q.Selectors = append(q.Selectors, SelectorRange{Name: e.Name, From: e.From, To: e.To})
	return nil
}

func (q *Query) addOwner(text string) error {
	if len(q.Owners) >= MaxOwners {
		return Invalid("more than %d owners", MaxOwners)
	}
	owner, err := protocol.ParseOwner(text)
	if err != nil {
		return Invalid("%v", err)
	}
	q.Owners = append(q.Owners, owner)
	return nil
}

func unescapePair(pair string) (key, value string, err error) {
	key, value, _ = strings.Cut(pair, "=")
	if key, err = url.QueryUnescape(key); err != nil {
		return "", "", Malformed("the query string: %v", err)
	}
	if value, err = url.QueryUnescape(value); err != nil {
		return "", "", Malformed("parameter %q: %v", key, err)
	}
	return key, value, nil
}

// parseFlag reads a boolean; the bare name of a flag sets it.
func parseFlag(key, value string, seen *bool) (bool, error) {
	switch value {
	case "", "true", "1":
		return true, once(seen, key)
	case "false", "0":
		return false, once(seen, key)
	}
	return false, Invalid("parameter %q: %q is neither true nor false", key, value)
}

func parseNumber(key, value string, seen *bool) (uint64, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, Invalid("parameter %q: %q is not a number", key, value)
	}
	return n, once(seen, key)
}
