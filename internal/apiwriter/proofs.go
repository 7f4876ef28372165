package apiwriter

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/lf-store/lf/internal/linelog"
	"github.com/lf-store/lf/internal/strictjson"
	"github.com/lf-store/lf/protocol"
)

const (
	// rememberedProofs is how many proofs are remembered: about 2 MB in memory and on disk. A
	// client whose connection broke asks again, and gets what was found.
	rememberedProofs = 8192
	// proofsKept is how long a file remembers a proof. Its record is late long before.
	proofsKept = 24 * time.Hour
	// maxProofLine bounds a line of the file.
	maxProofLine = 1 << 10
)

// Proofs remembers what was worked for, by the hash of the signed record. Its methods are safe for
// concurrent use.
type Proofs struct {
	network *protocol.Network
	verify  protocol.WorkVerifier
	log     *slog.Logger

	mu    sync.Mutex
	known *lru.Cache[[32]byte, proof]
	file  *linelog.File // nil: nothing is kept on disk
}

// proof is some work, and when it was done.
type proof struct {
	work protocol.Work
	at   time.Time
}

// proofLine is a line of the file. It has what everybody finds in the finished record, and no names
// or values.
type proofLine struct {
	Worked   string `json:"worked"`
	Nonce    string `json:"nonce"`
	Solution string `json:"solution"`
	Effort   uint32 `json:"effort"`
	At       int64  `json:"at"` // ms since the Unix epoch
}

// NewProofs remembers proofs in memory.
func NewProofs(n *protocol.Network, verify protocol.WorkVerifier, log *slog.Logger) *Proofs {
	known, err := lru.New[[32]byte, proof](rememberedProofs)
	if err != nil {
		panic(err) // the size is above 0
	}
	return &Proofs{network: n, verify: verify, log: log, known: known}
}

// OpenProofs remembers proofs in a file, too. The caller must Close it.
func OpenProofs(path string, n *protocol.Network, verify protocol.WorkVerifier, log *slog.Logger) (*Proofs, error) {
	p := NewProofs(n, verify, log)
	var err error
	if p.file, err = linelog.Open(path, maxProofLine, p.replay); err != nil {
		return nil, fmt.Errorf("the proofs of work: %w", err)
	}
	return p, nil
}

// Close closes the file.
func (p *Proofs) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// replay takes in a line. One that cannot be read, or is too old, is left out.
func (p *Proofs) replay(text []byte) {
	var l proofLine
	var worked [32]byte
	var w proof
	if strictjson.Unmarshal(text, &l, 0) != nil || !decodeHex(worked[:], l.Worked) || !decodeHex(w.work.Nonce[:], l.Nonce) || !decodeHex(w.work.Solution[:], l.Solution) {
		return
	}
	w.work.Effort, w.at = l.Effort, time.UnixMilli(l.At)
	if time.Since(w.at) < proofsKept {
		p.known.Add(worked, w)
	}
}

func decodeHex(to []byte, text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == len(to) && copy(to, b) == len(to)
}

// Get returns the proof of this effort for a hash. It verifies it: the file may be damaged.
func (p *Proofs) Get(worked [32]byte, effort uint32) (protocol.Work, bool) {
	p.mu.Lock()
	known, ok := p.known.Get(worked)
	p.mu.Unlock()
	if !ok || known.work.Effort != effort || p.verify(p.network.WorkChallenge(worked), known.work) != nil {
		return protocol.Work{}, false
	}
	return known.work, true
}

// Has reports whether [Proofs.Get] finds a proof.
func (p *Proofs) Has(worked [32]byte, effort uint32) bool {
	_, ok := p.Get(worked, effort)
	return ok
}

// Add remembers a proof. With a file it returns when the proof is on disk. A disk that is full does
// not take the proof from the client, so Add only logs that.
func (p *Proofs) Add(worked [32]byte, w protocol.Work) {
	p.mu.Lock()
	defer p.mu.Unlock()
	made := proof{w, time.Now()}
	p.known.Add(worked, made)
	if p.file == nil {
		return
	}
	err := p.file.Append(lineOf(worked, made), true)
	if err == nil && p.file.Lines() >= 2*rememberedProofs {
		err = p.file.Replace(p.each)
	}
	if err != nil {
		p.log.Error("a proof of work would not outlive a restart", "error", err)
	}
}

// each calls add with a line for each proof, the oldest first.
func (p *Proofs) each(add func(any) error) error {
	for _, worked := range p.known.Keys() {
		if known, _ := p.known.Peek(worked); time.Since(known.at) < proofsKept {
			if err := add(lineOf(worked, known)); err != nil {
				return err
			}
		}
	}
	return nil
}

func lineOf(worked [32]byte, p proof) proofLine {
	return proofLine{
		Worked: hex.EncodeToString(worked[:]), Nonce: hex.EncodeToString(p.work.Nonce[:]), Solution: hex.EncodeToString(p.work.Solution[:]),
		Effort: p.work.Effort, At: p.at.UnixMilli(),
	}
}
