package dag

// Ladder is the past of a record, and of those below it on its main chain, for this number of steps
// down or to its end. The numbers get less. What was made beside the record has a past between two
// of them.
func (d *DAG) Ladder(i Index, steps int) []uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.known(i) {
		return nil
	}
	ladder := []uint64{d.recs.At(i).past}
	for ; steps > 0 && d.recs.At(i).main != 0; steps-- {
		i = d.recs.At(i).main
		ladder = append(ladder, d.recs.At(i).past)
	}
	return ladder
}
