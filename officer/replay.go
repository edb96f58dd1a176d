package officer

import (
	"crypto/ed25519"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// Replay verifies a log from genesis: chain, signatures, authority. org is the
// organization that the caller has pinned; a log of any other is refused
// (attack 13).
func Replay(org OrganizationID, entries [][]byte) (*State, error) {
	return ReplayWith(noBlobs, org, entries)
}

// ReplayWith is [Replay] for a log whose entries may name blobs.
func ReplayWith(blobs Blobs, org OrganizationID, entries [][]byte) (*State, error) {
	if len(entries) == 0 {
		return nil, ErrEmpty
	}
	if OrganizationOf(entries[0]) != org {
		return nil, &EntryError{Operation: -1, Err: ErrOrganization}
	}
	return newState().extend(blobs, entries)
}

// Apply verifies further entries and returns the state after them. On an
// error nothing of them is applied; s itself never changes. Call it with
// as many entries at once as there are: each call copies the state once.
func (s *State) Apply(entries ...[]byte) (*State, error) { return s.ApplyWith(noBlobs, entries...) }

// ApplyWith is [State.Apply] for entries that may name blobs.
func (s *State) ApplyWith(blobs Blobs, entries ...[]byte) (*State, error) {
	if s.head.Length == 0 { // a State that Replay did not make
		return nil, ErrEmpty
	}
	if len(entries) == 0 {
		return s, nil
	}
	return s.clone().extend(blobs, entries)
}

// extend applies entries to s, which nobody else holds. Entries are decoded
// ahead of replay and signatures verified behind it, on all cores; a state
// leaves this function only after every signature held.
func (s *State) extend(blobs Blobs, entries [][]byte) (*State, error) {
	s.blobs = blobs
	chunks := slices.Collect(slices.Chunk(entries, chunkSize))
	jobs := make(chan func(), 2*ahead)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(chunks)) {
		workers.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	var v verifier
	var failure error
	decoding, next := make([]*chunk, ahead), 0
	for i := 0; i < len(chunks) && failure == nil; i++ {
		for ; next < min(i+ahead, len(chunks)); next++ {
			c := &chunk{raw: chunks[next], done: make(chan struct{})}
			decoding[next%ahead] = c
			jobs <- c.decode
		}
		c := decoding[i%ahead]
		<-c.done
		var list []signed
		list, failure = s.applyChunk(c)
		jobs <- func() { v.verify(list) }
	}
	close(jobs)
	workers.Wait()
	s.own, s.blobs = nil, nil
	switch {
	case v.err != nil: // of an entry before the one that failed, or of that one
		return nil, v.err
	case failure != nil:
		return nil, failure
	}
	return s, nil
}

const (
	// chunkSize is how many entries are handed to a core at once.
	chunkSize = 32
	// ahead is how many chunks are decoded before replay wants them.
	ahead = 16
)

// chunk is a few consecutive entries.
type chunk struct {
	raw     [][]byte
	decoded []decoded
	err     error // of the entry after those decoded
	done    chan struct{}
}

func (c *chunk) decode() {
	defer close(c.done)
	c.decoded = make([]decoded, 0, len(c.raw))
	for _, raw := range c.raw {
		d, err := decodeEntry(raw)
		if err != nil {
			c.err = err
			return
		}
		c.decoded = append(c.decoded, d)
	}
}

// applyChunk applies entries until one fails, and returns what their authors
// must have signed, the failed one's too.
func (s *State) applyChunk(c *chunk) ([]signed, error) {
	list := make([]signed, 0, len(c.decoded))
	for i := range c.decoded {
		at := s.head.Length
		key, err := s.applyEntry(&c.decoded[i])
		if key != nil {
			list = append(list, signed{at, key, c.decoded[i].body, c.decoded[i].signature})
		}
		if err != nil {
			return list, err
		}
	}
	if c.err == nil {
		return list, nil
	}
	return list, &EntryError{Sequence: s.head.Length, Operation: -1, Err: c.err}
}

// applyEntry applies an entry. It returns the key that must have signed it, as
// soon as that is known.
func (s *State) applyEntry(d *decoded) (signing ed25519.PublicKey, err error) {
	at := s.head.Length
	fail := func(err error) (ed25519.PublicKey, error) {
		return signing, &EntryError{Sequence: at, Operation: -1, Err: err}
	}
	if d.Sequence != at || d.Previous != s.head.Hash {
		return fail(ErrChain)
	}
	if d.Organization != s.org {
		return fail(ErrOrganization)
	}
	tx := &transaction{s: s, author: d.Author, sequence: at}
	switch {
	case at == 0 && d.fault != nil: // the pinned organization vouches for all of it
	case at == 0:
		if signing, err = genesisKey(d); err != nil {
			return fail(err)
		}
		s.org = OrganizationOf(d.raw)
	default:
		if signing = tx.begin(); signing == nil {
			return fail(ErrAuthor)
		}
	}
	if d.fault != nil { // what nobody signed says nothing of a newer program
		return signing, d.fault
	}
	if d.hasBlobs() && verifyBody(signing, d) != nil {
		return fail(ErrSignature)
	}
	for i, op := range d.Operations {
		if err := tx.apply(op); err != nil {
			return signing, &EntryError{Sequence: at, Operation: i, Kind: op.Kind().String(), Err: err}
		}
	}
	if err := tx.finish(); err != nil {
		return fail(err)
	}
	s.head = Head{Length: at + 1, Hash: d.hash}
	s.headTime = d.Time
	return signing, nil
}

// begin finds the author, and returns the key with which they signed; nil for
// one who may author nothing.
func (tx *transaction) begin() ed25519.PublicKey {
	s := tx.s
	if r := s.requests[tx.author]; r != nil && !r.Ended {
		tx.request, tx.role = r, s.members[r.Member].Role
		return r.Record.Signing
	}
	d := s.devices[tx.author]
	if d == nil || d.Removed {
		return nil
	}
	tx.member, tx.role = d.Member, s.members[d.Member].Role
	return d.Record.Signing
}

// signed is an entry's body with the key that must have signed it.
type signed struct {
	sequence        uint64
	key             ed25519.PublicKey
	body, signature []byte
}

// verifier checks signatures on several goroutines.
type verifier struct {
	mu  sync.Mutex
	err *EntryError // of the lowest sequence, so that the answer is always the same
}

func (v *verifier) verify(list []signed) {
	for _, e := range list {
		if pubkey.Verify(e.key, wire.LabelEntry, e.body, e.signature) != nil {
			v.mu.Lock()
			if v.err == nil || e.sequence < v.err.Sequence {
				v.err = &EntryError{Sequence: e.sequence, Operation: -1, Err: ErrSignature}
			}
			v.mu.Unlock()
		}
	}
}

// genesisKey checks the first entry's shape and returns its author's key.
func genesisKey(d *decoded) (ed25519.PublicKey, error) {
	g, ok := d.Operations[0].(*Genesis)
	if !ok || len(d.Operations) != 1 || !d.Organization.IsZero() {
		return nil, ErrGenesis
	}
	c, err := ParseCard(g.Card)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGenesis, err)
	}
	if c.Device().ID() != d.Author {
		return nil, fmt.Errorf("%w: not written by the founder's device", ErrGenesis)
	}
	return c.SigningKey(), nil
}
