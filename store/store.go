// Package store is the contract between a client and the place where an
// organization's log, envelopes, blobs, mailboxes and leases rest.
//
// Everything in a store is opaque to it and verified by the client: a store
// is an adversary (spec/threat-model.md). What the contract promises is
// consistency, in the words of each interface below, and store/storetest is
// one suite that checks these promises on every implementation. Use
// store/dirstore for a folder; a relay's client comes as store/relaystore.
//
// The package compiles for js/wasm and knows nothing but internal/wire.
// Interfaces grow by new optional interfaces, never by new methods.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/underseal/underseal/internal/wire"
)

// Errors of every implementation, wrapped with detail.
var (
	// ErrConflict: the compare-and-swap lost. Nothing was written. Read again.
	ErrConflict = errors.New("somebody else wrote first")
	// ErrNotFound: there is no such blob, message or lease.
	ErrNotFound = errors.New("not found in the store")
	// ErrReadOnly: the store cannot be written, or not even read, by this user.
	ErrReadOnly = errors.New("the store is read-only")
	// ErrFull: no space is left.
	ErrFull = errors.New("the store is full")
	// ErrNotStore: there is no store at this place.
	ErrNotStore = errors.New("not a store")
	// ErrExists: a store is already at this place.
	ErrExists = errors.New("a store already exists")
	// ErrNewer: the store's layout is newer than this program.
	ErrNewer = errors.New("the store is newer than this program")
	// ErrDamaged: a file of the store is not what its name says, or a gap is
	// in the log. A client never repairs a store silently.
	ErrDamaged = errors.New("the store is damaged")
	// ErrTooLarge: an item exceeds its bound.
	ErrTooLarge = errors.New("too large for the store")
	// ErrInvalid: an empty item, or a lease or a cursor that no store can have.
	ErrInvalid = errors.New("not something a store can hold")
	// ErrLeaseHeld: somebody else holds the lease and it has not expired.
	ErrLeaseHeld = errors.New("the lease is held by somebody else")
)

// Log is the append-only list of entries.
//
// Linearizable: once Append has returned nil, every later Read by anybody
// sees the entry, at the same position, for ever. An Append that returns an
// error other than ErrConflict may still have written (a lost answer): the
// caller reads again and compares.
type Log interface {
	// Append writes entry at position at, counted from 0, if and only if the
	// log holds exactly at entries; otherwise ErrConflict. Entries are at
	// least one and at most MaxEntry bytes.
	Append(ctx context.Context, at uint64, entry []byte) error
	// Read returns up to limit entries from position from, in order and
	// without gaps, fewer only at the end of the log. No entries and no error
	// means that the log ends before from.
	Read(ctx context.Context, from uint64, limit int) ([][]byte, error)
}

// Index is the place where envelopes for one recipient are filed: a hash that
// the client derives from the recipient (spec/suite.md, "Identifiers").
type Index = wire.Hash

// Envelopes holds sealed keys by recipient.
//
// Put is idempotent: the same bytes put twice are one envelope. An envelope
// put before a List began is in its pages; order is that of first arrival as
// far as the store can tell, and a cursor stays valid for ever.
type Envelopes interface {
	// PutEnvelope files envelope, 1 to MaxEnvelope bytes, under to.
	PutEnvelope(ctx context.Context, to Index, envelope []byte) error
	// ListEnvelopes returns up to limit envelopes filed under to after
	// cursor, and the cursor to go on from. An empty cursor starts at the
	// beginning; no envelopes means that there are no more for now, and the
	// returned cursor may be kept to look for new ones later. A cursor is for
	// the same recipient only; one that the store never gave is ErrInvalid.
	ListEnvelopes(ctx context.Context, to Index, cursor string, limit int) (envelopes [][]byte, next string, err error)
}

// Blobs are named by the SHA-256 of their content.
type Blobs interface {
	// PutBlob stores data, 1 to MaxBlob bytes, and returns its name. The
	// same data twice is one blob.
	PutBlob(ctx context.Context, data []byte) (wire.Hash, error)
	// GetBlob returns the data, whose hash the implementation has checked, or
	// ErrNotFound, or ErrDamaged.
	GetBlob(ctx context.Context, name wire.Hash) ([]byte, error)
}

// Message is one item of a mailbox. Its id is the SHA-256 of its content.
type Message struct {
	ID   wire.Hash
	Data []byte
}

// Mailboxes pass short messages to whoever knows the box.
type Mailboxes interface {
	// PutMail adds data, 1 to MaxMail bytes; the same data twice is one
	// message.
	PutMail(ctx context.Context, box Index, data []byte) error
	// ListMail returns all messages of a box, at most limit, oldest first.
	ListMail(ctx context.Context, box Index, limit int) ([]Message, error)
	// DeleteMail removes one message; removing one that is not there is fine.
	DeleteMail(ctx context.Context, box Index, id wire.Hash) error
}

// Lease is a claim on a name for a time.
type Lease struct {
	Name    string // a short word such as "bulk"; ASCII letters, digits, "-", "."; at most MaxLeaseName bytes
	Holder  string // who; shown to people; UTF-8, at most MaxLeaseHolder bytes
	Version uint64 // counts every change, from 1; 0 means "no lease yet"
	Expires time.Time
}

// Leases keep two jobs apart. A lease protects work, not secrets: its times
// are the clients' own clocks.
type Leases interface {
	// GetLease returns the current lease or ErrNotFound.
	GetLease(ctx context.Context, name string) (Lease, error)
	// SwapLease writes l with version l.Version+1 if and only if the current
	// version is l.Version (0: there is none), and returns what was written;
	// otherwise ErrConflict. Whether a held lease may be taken is the
	// caller's judgement, by Expires; TakeLease has the usual one.
	SwapLease(ctx context.Context, l Lease) (Lease, error)
}

// Info is what a store says of itself. Nothing in it is trusted.
type Info struct {
	// Location is the address that opens it again, such as "dir:/srv/firm".
	Location string
	// Organization is whose store it claims to be.
	Organization wire.OrganizationID
	// Warnings are for the person: a synchronizing folder, for instance.
	Warnings []string
}

// Store is a whole store. It is safe for use by several goroutines. A limit
// of 0 or less asks for nothing and gets it. A context that is done before an
// operation began lets it write nothing; one that ends later may be noticed or
// not. What is passed in is not kept, and what is returned is the caller's.
type Store interface {
	Log
	Envelopes
	Blobs
	Mailboxes
	Leases
	// Info describes the store.
	Info() Info
	// Close releases what the store holds open.
	Close() error
}

// TakeLease takes or renews the named lease for holder until now+ttl: it
// succeeds if there is none, if holder has it, or if it expired before now.
// Otherwise it returns the present lease and ErrLeaseHeld, or ErrConflict if
// somebody was faster.
func TakeLease(ctx context.Context, s Leases, name, holder string, now time.Time, ttl time.Duration) (Lease, error) {
	cur, err := s.GetLease(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		cur = Lease{Name: name}
	case err != nil:
		return Lease{}, err
	case cur.Holder != holder && cur.Expires.After(now):
		return cur, ErrLeaseHeld
	}
	cur.Name, cur.Holder, cur.Expires = name, holder, now.Add(ttl)
	return s.SwapLease(ctx, cur)
}
