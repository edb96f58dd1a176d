package officer

import (
	"crypto/ed25519"
	"fmt"
	"runtime"
	"sync"

	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

// Replay verifies a log from genesis: chain, signatures, authority. org is the
// organization that the caller has pinned; a log of any other is refused
// (attack 13).
func Replay(org OrganizationID, entries [][]byte) (*State, error) {
	if len(entries) == 0 {
		return nil, ErrEmpty
	}
	if OrganizationOf(entries[0]) != org {
		return nil, &EntryError{Operation: -1, Err: ErrOrganization}
	}
	return newState().extend(entries)
}

// Apply verifies further entries and returns the state after them. On an
// error nothing of them is applied; s itself never changes. Call it with
// as many entries at once as there are: each call copies the state once.
func (s *State) Apply(entries ...[]byte) (*State, error) {
	if len(entries) == 0 {
		return s, nil
	}
	return s.clone().extend(entries)
}

// extend applies entries to s, which nobody else holds. Signatures are
// verified on all cores while replay goes on; a state leaves this function
// only after every one of them held.
func (s *State) extend(entries [][]byte) (*State, error) {
	v := newVerifier()
	for _, raw := range entries {
		if err := s.applyEntry(raw, v); err != nil {
			v.wait() // its own error comes later in the log, or is this one
			return nil, err
		}
	}
	if err := v.wait(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *State) applyEntry(raw []byte, v *verifier) error {
	at := s.head.Length
	fail := func(err error) error { return &EntryError{Sequence: at, Operation: -1, Err: err} }
	d, err := decodeEntry(raw)
	if err != nil {
		if e, ok := err.(*EntryError); ok { // names the operation already
			e.Sequence = at // not what an unverified entry says of itself
			return e
		}
		return fail(err)
	}
	if d.Sequence != at || d.Previous != s.head.Hash {
		return fail(ErrChain)
	}
	if d.Organization != s.org {
		return fail(ErrOrganization)
	}
	tx := &transaction{s: s, author: d.Author, sequence: at}
	var signing ed25519.PublicKey
	if at == 0 {
		if signing, err = tx.genesis(d); err != nil {
			return fail(err)
		}
	} else {
		dev := s.devices[d.Author]
		if dev == nil || dev.Removed {
			return fail(ErrAuthor)
		}
		signing = dev.Record.Signing
		tx.member = s.members[dev.Member]
	}
	v.check(at, signing, d.body, d.signature)
	if at == 0 {
		s.org = OrganizationOf(raw)
	}
	for i, op := range d.Operations {
		if err := tx.apply(op); err != nil {
			return &EntryError{Sequence: at, Operation: i, Kind: op.Kind().String(), Err: err}
		}
	}
	if err := tx.finish(); err != nil {
		return fail(err)
	}
	s.head = Head{Length: at + 1, Hash: d.hash}
	s.headTime = d.Time
	return nil
}

// verifier checks Ed25519 signatures on as many goroutines as there are cores.
type verifier struct {
	jobs chan job
	wg   sync.WaitGroup
	mu   sync.Mutex
	err  *EntryError // of the lowest sequence
}

type job struct {
	sequence  uint64
	key       ed25519.PublicKey
	body, sig []byte
}

func newVerifier() *verifier { return &verifier{} }

func (v *verifier) check(sequence uint64, key ed25519.PublicKey, body, sig []byte) {
	if v.jobs == nil {
		v.jobs = make(chan job, 256)
		for range runtime.GOMAXPROCS(0) {
			v.wg.Go(v.work)
		}
	}
	v.jobs <- job{sequence, key, body, sig}
}

func (v *verifier) work() {
	for j := range v.jobs {
		if pubkey.Verify(j.key, wire.LabelEntry, j.body, j.sig) != nil {
			v.mu.Lock()
			if v.err == nil || j.sequence < v.err.Sequence {
				v.err = &EntryError{Sequence: j.sequence, Operation: -1, Err: ErrSignature}
			}
			v.mu.Unlock()
		}
	}
}

func (v *verifier) wait() error {
	if v.jobs != nil {
		close(v.jobs)
		v.wg.Wait()
	}
	if v.err != nil {
		return v.err
	}
	return nil
}

// genesis checks the first entry's shape and returns its author's key.
func (tx *transaction) genesis(d decoded) (ed25519.PublicKey, error) {
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
