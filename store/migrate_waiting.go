package store

import "github.com/lf-store/lf/protocol"

// migrateWaiting counts held records by what it takes, and notes which held records are not known
// to be paid.
func (t *tx) migrateWaiting() error {
	var unpaid []protocol.ID
	if err := t.each(func(r *rows) error {
		held, err := protocol.DecodeRecord(r.blob(0), r.blob(1))
		// a damaged one is forgotten when its time comes
		if err == nil && !t.store.network.Paid(held) {
			unpaid = append(unpaid, held.ID())
		}
		return nil
	}, "SELECT header, value FROM held"); err != nil {
		return err
	}
	for _, id := range unpaid {
		if _, err := t.exec("UPDATE held SET unpaid = 1 WHERE id = ?", id[:]); err != nil {
			return err
		}
	}
	t.meta.heldBytes += t.meta.held * waitingRow
	return nil
}

// migrateWaits counts again what pending records take.
func (t *tx) migrateWaits() error {
	records, err := t.number("SELECT sum(length(header) + coalesce(length(value), 0)) FROM pending")
	if err != nil {
		return err
	}
	links, err := t.number("SELECT sum(length(links)) FROM waits")
	t.meta.pendingBytes = records + t.meta.pending*waitingRow + links/int64(len(protocol.ID{}))*waitingLink
	return err
}
