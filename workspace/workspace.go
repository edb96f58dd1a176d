// Package workspace is a client's open organization: a store, the verified
// log and the unlocked keys. Every client operation stands here once; the
// command line and the WebAssembly build call it.
//
// [Create] founds an organization, [Join] pins one, [Open] opens the pinned
// one. A workspace pins the highest head it has seen and refuses a store that
// goes back behind it or tells another story ([ErrRollback], [ErrFork]); it
// never makes a key silently where one is missing ([ErrKeyMissing]).
//
// The package compiles for js/wasm: what it keeps at home goes through
// [Local], what it shares through store.Store. Its API may change until
// release 1.0.0.
package workspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
	"github.com/underseal/underseal/store"
)

// Local keeps a client's own small files. Save replaces a file atomically and
// durably; Load returns an error that is fs.ErrNotExist where there is none.
//
// Lock keeps every other program of the home that locks the same name waiting
// until unlock is called, so that what this one reads is what it replaces. It
// fails where ctx ends first. A home in which nothing can be locked keeps nobody
// waiting. The lock is gone with the program that holds it.
type Local interface {
	Load(name string) ([]byte, error)
	Save(name string, data []byte) error
	Lock(ctx context.Context, name string) (unlock func(), err error)
}

// Config is what a workspace is opened with.
type Config struct {
	Store    store.Store
	Local    Local
	Identity *keyring.Unlocked
	// Now is the clock; nil means time.Now. It dates entries and pins and
	// judges guests' expiry, never authority.
	Now func() time.Time
	// Escrow splits keys for recovery by officers, escrow.Shamir for example.
	// Without one nobody enrols or is recovered, and an enrolment ends where the
	// user key is replaced.
	Escrow plan.Escrow
}

// Workspace is an open organization. It is not safe for concurrent use.
type Workspace struct {
	store store.Store
	local Local
	me    *keyring.Unlocked
	now   func() time.Time
	split plan.Escrow

	pin   Pin
	state *officer.State
	keys  *keys
	// rebuilt is why the log was verified from genesis instead of from the cache;
	// nil if the cache served.
	rebuilt error

	due       bool // statements are to be asked for
	sightings []Sighting
	announced officer.Head // what this device has stated last, as far as known

	recovering bool // this device takes its member over, and is not theirs yet
	following  bool // what a change of the caller's left to do is being done
}

func newWorkspace(c Config) *Workspace {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Workspace{store: c.Store, local: c.Local, me: c.Identity, now: c.Now, split: c.Escrow}
}

// Create founds an organization in a store that is empty, with the identity as
// its first officer, and makes its directory. create makes the store, once the
// organization's id is known.
func Create(ctx context.Context, c Config, name string, create func(officer.OrganizationID) (store.Store, error)) (*Workspace, error) {
	w := newWorkspace(c)
	if err := w.notPinned(); err != nil {
		return nil, err
	}
	genesis, opening, err := plan.Found(w.me, name, w.now())
	if err != nil {
		return nil, err
	}
	org := officer.OrganizationOf(genesis)
	if w.state, err = officer.Replay(org, [][]byte{genesis}); err != nil {
		return nil, err
	}
	if w.store, err = create(org); err != nil {
		return nil, err
	}
	w.keys = newKeys(w)
	// At home first: if this program dies at any point from here on, Open
	// completes the organization.
	if err := w.saveFounding(founding{Version: wire.Version, Genesis: genesis, Name: opening}); err != nil {
		return nil, err
	}
	w.pin.Organization = org
	if err := w.savePin(ctx); err != nil {
		return nil, err
	}
	if err := w.append(ctx, 0, genesis); err != nil {
		return nil, err
	}
	return w, w.makeDirectory(ctx)
}

// Join pins the organization with the given id, whoever is in its log. The
// store must hold that organization and no other (attack 13).
func Join(ctx context.Context, c Config, org officer.OrganizationID) (*Workspace, error) {
	w := newWorkspace(c)
	if err := w.notPinned(); err != nil {
		return nil, err
	}
	w.pin = Pin{Organization: org, Location: w.store.Info().Location}
	w.keys = newKeys(w)
	if err := w.Sync(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// Open opens the pinned organization: it reads pin and cache, and verifies
// what is new in the store.
func Open(ctx context.Context, c Config) (*Workspace, error) {
	w := newWorkspace(c)
	pin, err := loadPin(w.local, w.me.Keys())
	if err != nil {
		return nil, err
	}
	w.pin, w.announced = pin, pin.Head
	w.keys = newKeys(w)
	if err := w.finishFounding(ctx); err != nil {
		return nil, err
	}
	w.state, w.rebuilt = w.loadCache()
	if err := w.Sync(ctx); err != nil {
		return nil, err
	}
	if m := w.Me(); w.state.Directory() == nil && m != nil && m.Role == officer.RoleOfficer {
		return w, w.makeDirectory(ctx) // founding was interrupted
	}
	return w, nil
}

func (w *Workspace) notPinned() error {
	_, err := loadPin(w.local, w.me.Keys())
	switch {
	case errors.Is(err, ErrNoOrganization):
		return nil
	case err == nil:
		return ErrPinned
	default:
		return err
	}
}

// Close clears the keys that were opened. The identity stays unlocked and the
// store open: both are the caller's.
func (w *Workspace) Close() { w.keys.destroy() }

// State is the verified state.
func (w *Workspace) State() *officer.State { return w.state }

// Organization is the organization's id.
func (w *Workspace) Organization() officer.OrganizationID { return w.state.Organization() }

// Store is the store that the workspace is open on.
func (w *Workspace) Store() store.Store { return w.store }

// Now is the time by the workspace's clock.
func (w *Workspace) Now() time.Time { return w.now() }

// Me returns the caller's member in the log, or nil while an officer has not
// let them in yet.
func (w *Workspace) Me() *officer.Member {
	if w.recovering {
		return w.state.Member(w.me.Member())
	}
	if d := w.state.Device(w.me.Keys().ID()); d == nil || d.Removed {
		return nil
	}
	return w.state.Member(w.me.Member())
}

func (w *Workspace) requireMe() error {
	if w.Me() == nil {
		if d := w.state.Device(w.me.Keys().ID()); d != nil {
			return ErrRemoved
		}
		return ErrNotMember
	}
	return nil
}

// Freshness says how current the view of the log is.
type Freshness struct {
	Head     officer.Head
	HeadTime time.Time // claimed by the head's author
	Synced   time.Time // when this device last read the store, and no colleague had seen more
}

// Freshness returns the pinned head and its times.
func (w *Workspace) Freshness() Freshness {
	return Freshness{Head: w.state.Head(), HeadTime: w.state.HeadTime(), Synced: w.pin.Synced}
}

// maxAttempts bounds how often a change is made again after somebody else was
// faster. Officers are few; more losses in a row than this mean a store that
// lies about conflicts.
const maxAttempts = 16

// commit makes a plan from the present state, uploads what it needs, signs its
// entry and appends it; after a lost race it reads the log and makes the
// plan again (attack 52). A nil plan means that nothing is left to do.
func (w *Workspace) commit(ctx context.Context, build func(plan.Author) (*plan.Plan, error)) error {
	for attempt := range maxAttempts {
		p, err := build(w.author())
		if err != nil || p == nil {
			if attempt > 0 { // what the attempt before handed out
				w.follow(ctx)
			}
			return err
		}
		if len(p.Operations) == 0 { // the log has allowed it already
			if err := w.upload(ctx, p); err != nil {
				return err
			}
			w.follow(ctx)
			return nil
		}
		head := w.state.Head()
		entry, next, err := w.sign(p)
		if err != nil {
			return err
		}
		if err := w.noteHanded(ctx, p); err != nil {
			return err
		}
		if err := w.upload(ctx, p); err != nil {
			return err
		}
		switch err := w.append(ctx, head.Length, entry); {
		case err == nil:
			w.state = next
			if err := w.saveHead(ctx); err != nil {
				return err
			}
			w.follow(ctx)
			return nil
		case !errors.Is(err, store.ErrConflict):
			return err
		}
		if err := w.Sync(ctx); err != nil {
			return err
		}
		if w.state.Head().Length <= head.Length {
			return fmt.Errorf("append: %w", ErrStore)
		}
	}
	return fmt.Errorf("append: %w", store.ErrConflict)
}

// follow does what is left to do after a change of the caller's: it replaces keys
// that an attempt before handed out in vain, and seals what colleagues missed. The
// change is done: what cannot be done now, the next one does, or CatchUp.
func (w *Workspace) follow(ctx context.Context) {
	if w.following || w.requireMe() != nil {
		return
	}
	w.following = true
	defer func() { w.following = false }()
	_ = w.takeBack(ctx)
	w.settle(ctx)
}

func (w *Workspace) author() plan.Author {
	return plan.Author{State: w.state, Device: w.me.Keys(), Now: w.now(), Escrow: w.split}
}

// sign makes the entry of a plan and what the log says after it, or says what
// replay would refuse.
func (w *Workspace) sign(p *plan.Plan) (entry []byte, next *officer.State, err error) {
	if err := p.Pack(); err != nil {
		return nil, nil, err
	}
	head := w.state.Head()
	entry, err = officer.Entry{
		Organization: w.state.Organization(), Sequence: head.Length, Previous: head.Hash,
		Time: w.now(), Author: w.me.Keys().ID(), Operations: p.Operations,
	}.Sign(w.me.Keys().Sign)
	if err != nil {
		return nil, nil, err
	}
	// Never append what replay would refuse: it would end the log for all.
	next, err = w.state.ApplyWith(p.Blob, entry)
	return entry, next, err
}

func (w *Workspace) upload(ctx context.Context, p *plan.Plan) error {
	for _, b := range p.Blobs {
		if _, err := w.store.PutBlob(ctx, b); err != nil {
			return fmt.Errorf("upload operations: %w", err)
		}
	}
	for _, e := range p.Envelopes {
		if err := w.store.PutEnvelope(ctx, e.Index, e.Envelope); err != nil {
			return fmt.Errorf("upload envelope: %w", err)
		}
	}
	for _, m := range p.Mail {
		if err := w.store.PutMail(ctx, m.Box, m.Data); err != nil {
			return fmt.Errorf("upload message: %w", err)
		}
	}
	return nil
}

// append writes an entry and settles a lost answer: an error that may have
// persisted is compared with what the store holds now.
func (w *Workspace) append(ctx context.Context, at uint64, entry []byte) error {
	err := w.store.Append(ctx, at, entry)
	if err == nil {
		return nil
	}
	got, readErr := w.store.Read(ctx, at, 1)
	if readErr != nil || len(got) == 0 {
		return fmt.Errorf("append: %w", err)
	}
	if string(got[0]) == string(entry) {
		return nil
	}
	return fmt.Errorf("append: %w", store.ErrConflict)
}
