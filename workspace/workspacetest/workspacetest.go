// Package workspacetest makes small organizations of whole clients for tests:
// people with identities and homes of their own around one store.
//
// It is for tests alone (internal/deptest) and promises nothing.
package workspacetest

import (
	"context"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan/escrow"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
)

// Local is a home in memory.
type Local struct {
	mu    sync.Mutex
	Files map[string][]byte
	locks map[string]chan struct{} // each closed when it is given back
}

// Load implements workspace.Local.
func (l *Local) Load(name string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.Files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return append([]byte(nil), b...), nil
}

// Save implements workspace.Local.
func (l *Local) Save(name string, data []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Files == nil {
		l.Files = map[string][]byte{}
	}
	l.Files[name] = append([]byte(nil), data...)
	return nil
}

// Lock implements workspace.Local.
func (l *Local) Lock(ctx context.Context, name string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		held, mine := l.locks[name], make(chan struct{})
		if held == nil {
			if l.locks == nil {
				l.locks = map[string]chan struct{}{}
			}
			l.locks[name] = mine
		}
		l.mu.Unlock()
		if held == nil {
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.locks, name)
				close(mine)
			}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-held:
		}
	}
}

// Clone copies the home as it is now.
func (l *Local) Clone() *Local {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Local{Files: map[string][]byte{}}
	for n, b := range l.Files {
		c.Files[n] = append([]byte(nil), b...)
	}
	return c
}

// Person is somebody with an unlocked identity and a home.
type Person struct {
	Name string
	Me   *keyring.Unlocked
	Home *Local

	secret *secret.Bytes // of the device
}

// NewPerson makes a person with the email NAME@example.com.
func NewPerson(t testing.TB, name string) *Person {
	t.Helper()
	id, s, err := keyring.NewIdentity(name, name+"@example.com", name+"'s laptop")
	if err != nil {
		t.Fatal(err)
	}
	me, err := id.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{Name: name, Me: me, Home: &Local{}, secret: s}
}

// Become gives the person's device another identity, as after a recovery.
func (p *Person) Become(id *keyring.Identity) (err error) {
	p.Me, err = id.Unlock(p.secret)
	return err
}

// Email is the person's email.
func (p *Person) Email() string { return p.Me.Card().Email.Text }

// Config is what the person opens a store with.
func (p *Person) Config(st store.Store) workspace.Config {
	return workspace.Config{Store: st, Local: p.Home, Identity: p.Me, Now: Clock, Escrow: escrow.Shamir{}}
}

// Clock stands still, on the first of March 2026.
func Clock() time.Time { return time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC) }

// Firm is an organization around a store in memory.
type Firm struct {
	t      testing.TB
	Store  store.Store
	ID     officer.OrganizationID
	People map[string]*Person
}

// NewFirm founds an organization with its first officer.
func NewFirm(t testing.TB, first string) *Firm {
	t.Helper()
	f := &Firm{t: t, People: map[string]*Person{}}
	p := NewPerson(t, first)
	f.People[first] = p
	w, err := workspace.Create(context.Background(), p.Config(nil), "Example LLP", func(id officer.OrganizationID) (store.Store, error) {
		f.Store, f.ID = storetest.NewMemory(id), id
		return f.Store, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Me() == nil {
		t.Fatal("the founder is not a member")
	}
	return f
}

// Join makes a person who has pinned the firm.
func (f *Firm) Join(name string) *Person {
	f.t.Helper()
	p := NewPerson(f.t, name)
	f.People[name] = p
	if _, err := workspace.Join(context.Background(), p.Config(f.Store), f.ID); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// Add has an officer let a new person in.
func (f *Firm) Add(by, name string, role officer.Role) *Person {
	f.t.Helper()
	p := f.Join(name)
	if err := f.Open(by).AddMember(context.Background(), p.Me.Card(), role); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// Open opens the firm as somebody, from their home.
func (f *Firm) Open(name string) *workspace.Workspace {
	f.t.Helper()
	return f.OpenOn(name, f.Store)
}

// OpenOn is Open on another store, such as a hostile one.
func (f *Firm) OpenOn(name string, st store.Store) *workspace.Workspace {
	f.t.Helper()
	w, err := f.TryOpen(name, st)
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return w
}

// TryOpen is OpenOn where it may be refused.
func (f *Firm) TryOpen(name string, st store.Store) (*workspace.Workspace, error) {
	return workspace.Open(context.Background(), f.People[name].Config(st))
}
