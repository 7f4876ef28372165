package mapped

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/lf-store/lf/internal/disk"
)

// span is memory with its offset in the file: pages in a row, within one extent.
type span struct {
	at  int64
	mem []byte
}

// Checkpoint writes all changes to the disk, with a stamp and what the owner needs to know of the
// pieces, and gives their memory back. Nothing may change meanwhile; reading goes on. After an
// error the changes wait in memory for the next checkpoint.
func (f *File) Checkpoint(stamp Stamp, meta []byte) error {
	if f.ReadOnly {
		return fmt.Errorf("a checkpoint of derived data: %w", os.ErrPermission)
	}
	pieces := slices.Clone(f.pieces) // with what they hash to now
	fresh, err := f.writeFresh(pieces)
	if err == nil {
		err = f.sync(f.data) // also what the last checkpoint copied to its place
	}
	var changed []span
	if err == nil {
		changed, err = f.changed(pieces)
	}
	if err == nil {
		err = f.replaceState(&state{stamp: stamp, end: f.end, page: f.memory.page(), pieces: pieces, meta: meta, spans: changed})
	}
	if err == nil {
		f.mu.Lock()
		f.pieces = pieces
		f.mu.Unlock()
		err = f.settle(fresh, changed)
	}
	f.anonymous = f.memory.anonymous()
	if err != nil {
		return fmt.Errorf("a checkpoint of derived data: %w", err)
	}
	return nil
}

// Holds reports whether the file holds more than a limit of the process's own memory: new pieces,
// and pages of old ones that have changed. A checkpoint gives that back. Who may change the file
// may ask. It asks the kernel for each page only where all of the process's memory has grown so
// much.
func (f *File) Holds(limit int64) bool {
	if f.building {
		return false // its memory is shared with the file
	}
	held, all := f.end-f.saved, f.memory.anonymous()
	f.anonymous = min(f.anonymous, all)
	if held <= limit && all-f.anonymous <= limit {
		return false
	}
	for i, e := range f.extents {
		old := f.oldPart(i)
		if held > limit || old == 0 {
			continue
		}
		touched, err := f.memory.touched(e.mem[:old])
		if err != nil {
			return false
		}
		for _, t := range touched {
			if t {
				held += int64(f.memory.page())
			}
		}
	}
	return held > limit
}

// writeFresh writes the pieces that are new since the last checkpoint to their places, and hashes
// them. Nobody knows of them before the new state counts.
func (f *File) writeFresh(pieces []piece) (fresh []span, err error) {
	for i, e := range f.extents {
		old, used := f.oldPart(i), f.used(i)
		if old == used {
			continue
		}
		s := span{e.at + int64(old), e.mem[old:used]}
		if f.building {
			err = f.memory.flush(s.mem, f.data, s.at)
		} else {
			_, err = f.data.WriteAt(s.mem, s.at)
		}
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, s)
	}
	for n := f.firstFrom(f.saved); n < len(pieces); n++ {
		pieces[n].Sum = xxhash.Sum64(f.bytes(pieces[n]))
	}
	if f.building {
		err = f.data.Truncate(f.end) // the last extent took more
	}
	return fresh, err
}

// used is how many bytes of an extent belong to the file: up to where the next one begins.
func (f *File) used(i int) int {
	end := f.end
	if i+1 < len(f.extents) {
		end = f.extents[i+1].at
	}
	return int(end - f.extents[i].at)
}

// oldPart is how many of these the last checkpoint knows.
func (f *File) oldPart(i int) int {
	return int(min(int64(f.used(i)), max(0, f.saved-f.extents[i].at)))
}

// changed returns the pages of old pieces that have changed, and hashes these pieces.
func (f *File) changed(pieces []piece) (changed []span, err error) {
	for i, e := range f.extents {
		old := f.oldPart(i)
		if old == 0 {
			continue
		}
		touched, err := f.memory.touched(e.mem[:old])
		if err != nil {
			return nil, err
		}
		for n := f.firstFrom(e.at); n < len(pieces) && pieces[n].At < e.at+int64(old); n++ {
			if atomic.LoadUint32(&f.checked[n]) == 1 { // nobody has changed the others
				changed = f.changedOf(changed, &pieces[n], touched, e.mem[:old:old], e.at)
			}
		}
	}
	return changed, nil
}

// changedOf appends what has changed of a piece in the old part of an extent.
func (f *File) changedOf(changed []span, p *piece, touched []bool, old []byte, at int64) []span {
	from, page := int(p.At-at), f.memory.page()
	if touched == nil {
		sum := xxhash.Sum64(f.bytes(*p))
		if sum != p.Sum {
			p.Sum, changed = sum, append(changed, span{p.At, old[from : from+int(p.Size)]})
		}
		return changed
	}
	any := false
	for here := from; here < from+int(p.Size); here += page {
		if !touched[here/page] {
			continue
		}
		any = true
		last := len(changed) - 1
		if last >= 0 && changed[last].at+int64(len(changed[last].mem)) == at+int64(here) && cap(changed[last].mem) > len(changed[last].mem) {
			changed[last].mem = changed[last].mem[:len(changed[last].mem)+page]
			continue
		}
		changed = append(changed, span{at + int64(here), old[here : here+page]})
	}
	if any {
		p.Sum = xxhash.Sum64(f.bytes(*p))
	}
	return changed
}

// replaceState writes a state and puts it in place of the old one.
func (f *File) replaceState(s *state) error {
	next := f.statePath() + nextSuffix
	file, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = s.write(file, f.Layout)
	if err == nil {
		err = f.sync(file)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, f.statePath()); err != nil {
		return err
	}
	if f.Volatile {
		return nil
	}
	return disk.SyncDir(filepath.Dir(f.Path))
}

func (f *File) sync(file *os.File) error {
	if f.Volatile {
		return nil
	}
	return file.Sync()
}

func (s *state) write(to io.Writer, layout string) error {
	out, sum := bufio.NewWriterSize(to, 1<<20), xxhash.New()
	both := io.MultiWriter(sum, out)
	if _, err := both.Write(s.header(layout)); err != nil {
		return err
	}
	for _, p := range s.spans {
		head := binary.LittleEndian.AppendUint64(nil, uint64(p.at))
		head = binary.LittleEndian.AppendUint32(head, uint32(len(p.mem)))
		if _, err := both.Write(head); err != nil {
			return err
		}
		if _, err := both.Write(p.mem); err != nil {
			return err
		}
	}
	if _, err := out.Write(binary.LittleEndian.AppendUint64(nil, sum.Sum64())); err != nil {
		return err
	}
	return out.Flush()
}

// settle copies what has changed to its place, and maps the file in place of all memory.
func (f *File) settle(fresh, changed []span) error {
	if f.building {
		f.endBuilding()
	}
	f.saved = f.end
	for _, s := range changed {
		if _, err := f.data.WriteAt(s.mem, s.at); err != nil {
			return err
		}
		if err := f.memory.drop(s.mem); err != nil {
			return err
		}
	}
	for _, s := range fresh {
		if err := f.memory.settle(s.mem, f.data, s.at); err != nil {
			return err
		}
	}
	return nil
}

// endBuilding gives back what the last extent has beyond the end of the file.
func (f *File) endBuilding() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.building = false
	for i := range f.extents {
		used, e := f.used(i), &f.extents[i]
		if used < len(e.mem) {
			f.memory.release(e.mem[used:])
			e.mem = e.mem[:used:used]
		}
	}
}
