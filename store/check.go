package store

import "context"

type Summary struct{}

func (s *Store) Check(ctx context.Context, report func(problem string)) (Summary, error) {
	return Summary{}, nil
}
