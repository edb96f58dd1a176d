package workspace_test

import (
	"errors"
	"testing"

	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// fullHome takes no file while it is full.
type fullHome struct {
	*workspacetest.Local
	full bool
}

var errFull = errors.New("the disk is full")

func (h *fullHome) Save(name string, data []byte) error {
	if h.full {
		return errFull
	}
	return h.Local.Save(name, data)
}

// TestAttack63OneAnswer: who has seen the code, and keeps the store, takes one
// answer away once the nonce is known and leaves another that was made for it.
// It is not taken, neither by another command of the old device nor by one that
// could not keep the first.
func TestAttack63OneAnswer(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, full := range []bool{false, true} {
		f, _ := firmOfTwo(t)
		post := watch(f)
		home := &fullHome{Local: f.People["bob"].Home}
		c := f.People["bob"].Config(f.Store)
		c.Local = home
		w, err := workspace.Open(ctx, c)
		must(t, err)
		p, err := w.BeginPairing(ctx, 0)
		must(t, err)
		code := textOf(p.Code())
		other, err := f.Open("bob").Pairing() // before anybody has answered
		must(t, err)
		_, err = join(ctx, f.Store, "first", code)
		must(t, err)
		if full {
			home.full = true
			if _, err := p.Answer(ctx); !errors.Is(err, errFull) {
				t.Errorf("on a full disk: %v", err)
			}
			home.full = false
		}
		if a, err := p.Answer(ctx); err != nil || a == nil { // from here on the nonce is known
			t.Fatalf("the first answer: %+v, %v", a, err)
		}
		forget(t, post)
		_, err = join(ctx, f.Store, "second", code)
		must(t, err)
		if _, err := other.Answer(ctx); !errors.Is(err, workspace.ErrPairingTwice) {
			t.Errorf("another answer: %v", err)
		}
		if n := len(f.Open("alice").State().Member(f.People["bob"].Me.Member()).Devices); n != 1 {
			t.Errorf("%d devices", n)
		}
		// The pairing has ended for the first command as well.
		if _, err := p.Answer(ctx); !errors.Is(err, workspace.ErrNoPairing) {
			t.Errorf("the first command goes on: %v", err)
		}
		p.Close()
		other.Close()
	}
}

// forget deletes all that mailboxes have but the offer.
func forget(t *testing.T, post *postman) {
	t.Helper()
	for box := range post.seen {
		list, err := post.ListMail(t.Context(), box, 10)
		must(t, err)
		for _, m := range list[1:] {
			must(t, post.DeleteMail(t.Context(), box, m.ID))
		}
	}
}
