package service

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/lf-store/lf/internal/archive"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/protocol"
	lfsync "github.com/lf-store/lf/sync"
)

var _ api.Archive = (*Service)(nil)

// Export implements api.Archive.
func (s *Service) Export(ctx context.Context, w io.Writer) error {
	tips, err := s.config.Store.Tips(ctx, archive.MaxTips)
	if err != nil {
		return Failure(err)
	}
	buffered := bufio.NewWriterSize(w, archiveBuffer)
	a, err := archive.NewWriter(buffered, s.config.Network, tips)
	if err != nil {
		return err
	}
	err = s.config.Store.Attached(ctx, func(records []*protocol.Record) error {
		for _, r := range records {
			if err := a.Write(r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Failure(err)
	}
	return buffered.Flush()
}

// Import implements api.Archive.
func (s *Service) Import(ctx context.Context, r io.Reader) (*api.Imported, error) {
	a, err := archive.NewReader(bufio.NewReaderSize(r, archiveBuffer), s.config.Network)
	if err != nil {
		return nil, importFailure(0, err)
	}
	done, err := s.config.Sync.Import(ctx, func() ([]lfsync.Arriving, error) { return readBatch(a) })
	if err != nil {
		return nil, importFailure(done.Added, err)
	}
	return &api.Imported{Records: uint64(done.Records), Added: uint64(done.Added)}, nil
}

// readBatch reads the next records, and an error after them where the archive ends.
func readBatch(a *archive.Reader) (batch []lfsync.Arriving, end error) {
	for size := 0; len(batch) < importBatch && size < importBytes; {
		e, err := a.Next()
		if err != nil {
			return batch, err
		}
		batch = append(batch, e)
		size += e.Size()
	}
	return batch, nil
}

// importFailure says what is wrong, with which record, and how far the import came.
func importFailure(added int, err error) error {
	var format *archive.FormatError
	var refused *lfsync.ImportError
	var problem *api.Error
	switch {
	case errors.Is(err, archive.ErrOtherNetwork), errors.As(err, &format):
		problem = api.Invalid("%v", err)
	case errors.As(err, &refused) && refused.Early:
		problem = api.Invalid("%v: in an archive parents come first, as lf export writes them", err)
	case !errors.As(Failure(err), &problem):
		return err
	}
	told := *problem
	if refused != nil && !refused.Early {
		told.Detail = err.Error()
	}
	if added > 0 {
		told.Detail += "; before it " + text.Count(added, "record was", "records were") + " added"
	}
	return &told
}
