package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lf-store/lf/protocol"
)

// parseSelectors reads what to ask for: names with ranges of ordinals.
func parseSelectors(args []string) ([]protocol.Expression, error) {
	if len(args) > protocol.MaxSelectors {
		return nil, usage("%d names, and a record has at most %d", len(args), protocol.MaxSelectors)
	}
	selectors := make([]protocol.Expression, len(args))
	for i, arg := range args {
		e, err := protocol.ParseExpression(arg)
		if err != nil {
			return nil, usage("%s", clip(err.Error()))
		}
		selectors[i] = e
	}
	return selectors, nil
}

// parsePoints reads what to write: names with one ordinal each, none of them twice.
func parsePoints(args []string) ([]protocol.Expression, error) {
	selectors, err := parseSelectors(args)
	if err != nil {
		return nil, err
	}
	for i, e := range selectors {
		switch {
		case !e.Point():
			return nil, usage("selector %s: one ordinal is needed here, not a range", clip(strconv.Quote(args[i])))
		case slices.Contains(selectors[:i], e):
			return nil, usage("selector %s is given twice", clip(strconv.Quote(args[i])))
		}
	}
	return selectors, nil
}

// written writes selectors as they are given on the command line.
func written(selectors []protocol.Expression) string {
	return strings.Join(expressions(selectors), " ")
}

func expressions(selectors []protocol.Expression) []string {
	texts := make([]string, len(selectors))
	for i, e := range selectors {
		texts[i] = e.String()
	}
	return texts
}
