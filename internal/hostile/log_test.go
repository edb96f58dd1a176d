package hostile_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/hostile"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// Attack 8: the store overwrites an organization right after its creation,
// with one of its own. The founder's device and whoever was given the
// fingerprint refuse it.
func TestAttack8OverwrittenGenesis(t *testing.T) {
	t.Parallel()
	f, evil := firm(t), workspacetest.NewFirm(t, "alice")
	f.Open("alice") // without the attack
	bad := &hostile.Store{Store: evil.Store, OnInfo: func(i store.Info) store.Info {
		i.Organization = f.ID
		return i
	}}
	if _, err := f.TryOpen("alice", bad); !errors.Is(err, workspace.ErrFork) && !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("with a cache: %v", err)
	}
	delete(f.People["alice"].Home.Files, "organization.cache")
	if _, err := f.TryOpen("alice", bad); err == nil {
		t.Error("without a cache: opened")
	}
	if len(bad.Put)+len(bad.Appended) != 0 {
		t.Error("something was written")
	}
	f.Open("alice")
}

// Attack 13: an organization's id is cloned: a store claims the id and serves
// another log, or the true log with another beginning.
func TestAttack13ClonedOrganization(t *testing.T) {
	t.Parallel()
	f, evil := firm(t), workspacetest.NewFirm(t, "mallory")
	f.Join("carol") // without the attack
	trueLog, err := f.Store.Read(t.Context(), 0, 100)
	must(t, err)
	evilLog, err := evil.Store.Read(t.Context(), 0, 100)
	must(t, err)
	for what, log := range map[string][][]byte{
		"another log":       evilLog,
		"another beginning": append(append([][]byte{}, evilLog[0]), trueLog[1:]...),
		"without beginning": trueLog[1:],
		"empty":             {},
	} {
		bad := &hostile.Store{Store: f.Store, OnRead: func(from uint64, _ [][]byte) [][]byte {
			if from >= uint64(len(log)) {
				return nil
			}
			return log[from:]
		}}
		p := workspacetest.NewPerson(t, "dave")
		_, err := workspace.Join(t.Context(), p.Config(bad), f.ID)
		if err == nil {
			t.Errorf("%s: joined", what)
		}
		if len(p.Home.Files) != 0 {
			t.Errorf("%s: something was pinned", what)
		}
	}
}

// Attack 11: the store hides a removal, or goes back behind what a device has
// seen. A device that saw it refuses; one that did not is told how old its
// view is, and its tokens show the epoch.
func TestAttack11StaleLog(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "carol", officer.RoleMember)
	must(t, f.Open("alice").Grant(ctx, "ssn", "bob@example.com", officer.Read))
	must(t, f.Open("alice").Grant(ctx, "ssn", "carol@example.com", officer.Read|officer.Write))
	before := f.Open("carol").Freshness().Head // Carol's view ends here
	stale := &hostile.Store{Store: f.Store, OnRead: func(from uint64, entries [][]byte) [][]byte {
		if from >= before.Length {
			return nil
		}
		return entries[:min(uint64(len(entries)), before.Length-from)]
	}}
	_, err := f.Open("alice").Revoke(ctx, "ssn", "bob@example.com")
	must(t, err)
	after := seal(t, f.Open("alice"), "ssn")
	must(t, reads(t, f.Open("alice"), after)) // without the attack

	// Alice has seen the removal.
	if _, err := f.TryOpen("alice", stale); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("alice: %v", err)
	}
	delete(f.People["alice"].Home.Files, "organization.cache")
	if _, err := f.TryOpen("alice", stale); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("alice, without a cache: %v", err)
	}
	// Carol has not: she can be kept in the dark, but her view says how old
	// it is, what she seals carries the old epoch, and a token of the new
	// epoch is unknown to her, never opened wrongly.
	carol := f.OpenOn("carol", stale)
	if got := carol.Freshness().Head; got != before {
		t.Errorf("carol's head is %v", got)
	}
	old := seal(t, carol, "ssn")
	a, _ := fieldcrypt.Parse([]byte(old))
	b, _ := fieldcrypt.Parse([]byte(after))
	if a.KeyID == b.KeyID {
		t.Error("the token does not show its epoch")
	}
	if err := reads(t, carol, after); !errors.Is(err, fieldcrypt.ErrUnknownKey) {
		t.Errorf("carol: %v", err)
	}
	carol = f.Open("carol") // the truth reaches her
	must(t, reads(t, carol, after))
	must(t, reads(t, carol, old))
	if _, err := f.TryOpen("carol", stale); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("carol, who knows now: %v", err)
	}
}

// Two members are shown two logs from one point on: whoever has seen one
// refuses the other (P6).
func TestForkedLogRefused(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	log, err := f.Store.Read(ctx, 0, 100)
	must(t, err)
	fork := storetest.NewMemory(f.ID)
	for i, e := range log {
		must(t, fork.Append(ctx, uint64(i), e))
	}
	copyEnvelopes := &hostile.Store{Store: fork, OnList: nil}
	aliceTwin := *f.People["alice"]
	aliceTwin.Home = f.People["alice"].Home.Clone() // the same device, as far as the fork goes
	must(t, f.Open("alice").NewField(ctx, "phone"))

	both := &hostile.Store{Store: f.Store, OnRead: func(from uint64, _ [][]byte) [][]byte {
		list, err := copyEnvelopes.Store.Read(ctx, from, 100)
		must(t, err)
		return list
	}}
	if _, err := f.TryOpen("alice", both); !errors.Is(err, workspace.ErrRollback) {
		t.Errorf("shorter: %v", err)
	}
	// Let the other branch grow past the first.
	twin, err := workspace.Open(ctx, workspace.Config{Store: &branch{Store: f.Store, log: fork}, Local: aliceTwin.Home, Identity: aliceTwin.Me, Now: workspacetest.Clock})
	must(t, err)
	must(t, twin.NewField(ctx, "fax"))
	must(t, twin.NewField(ctx, "mobile"))
	if _, err := f.TryOpen("alice", both); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("longer: %v", err)
	}
	delete(f.People["alice"].Home.Files, "organization.cache")
	if _, err := f.TryOpen("alice", both); !errors.Is(err, workspace.ErrFork) {
		t.Errorf("longer, without a cache: %v", err)
	}
}

// branch is a store with another log.
type branch struct {
	store.Store
	log *storetest.Memory
}

func (b *branch) Read(ctx context.Context, from uint64, limit int) ([][]byte, error) {
	return b.log.Read(ctx, from, limit)
}

func (b *branch) Append(ctx context.Context, at uint64, entry []byte) error {
	return b.log.Append(ctx, at, entry)
}

// Attack 37: an entry of a newer format is named, not guessed at, and the
// pinned view stays.
func TestAttack37NewerEntry(t *testing.T) {
	t.Parallel()
	f := firm(t)
	n := f.Open("alice").Freshness().Head.Length // without the attack
	newer := []byte{0x83, 0x02, 0x41, 0x00, 0x41, 0x00}
	must(t, f.Store.Append(t.Context(), n, newer))
	var version *wire.VersionError
	if _, err := f.TryOpen("alice", f.Store); !errors.As(err, &version) || version.Version != 2 {
		t.Errorf("%v", err)
	}
}

// Attack 52: two officers act at once. Both changes end up in the log, or the
// loser is told why not.
func TestAttack52TwoOfficersAtOnce(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "dora", officer.RoleOfficer)
	alice, dora := f.Open("alice"), f.Open("dora")
	must(t, alice.NewField(ctx, "phone")) // Dora does not know
	must(t, dora.NewField(ctx, "fax"))
	if err := dora.NewField(ctx, "phone"); !errors.Is(err, workspace.ErrTaken) {
		t.Errorf("dora makes phone a second time: %v", err)
	}
	// Dora holds ssn by grant while Alice takes the share right away from her.
	must(t, alice.Grant(ctx, "ssn", "dora@example.com", officer.Read|officer.Write|officer.Share))
	dora = f.Open("dora")
	must(t, dora.Grant(ctx, "ssn", "bob@example.com", officer.Read)) // without the race
	_, err := f.Open("alice").Revoke(ctx, "ssn", "dora@example.com")
	must(t, err)
	f.Add("alice", "carol", officer.RoleMember)
	watch := len(f.People)
	if err := dora.Grant(ctx, "ssn", "carol@example.com", officer.Read); err == nil {
		t.Error("dora granted what she no longer holds")
	}
	if r, _ := f.Open("alice").Field(ctx, "ssn"); r.Resource.Rights(officer.MemberPrincipal(f.People["carol"].Me.Member())) != 0 || watch != 4 {
		t.Error("carol was granted")
	}
	if _, err := f.Open("alice").VerifyLog(ctx); err != nil {
		t.Error(err)
	}
}

// Attack 64: a guest, or whoever copies the store, replays the log and looks
// for names. Nothing in the store holds a name, an email or a label.
func TestAttack64NoNamesInTheStore(t *testing.T) {
	t.Parallel()
	f := firm(t)
	ctx := t.Context()
	f.Add("alice", "guido", officer.RoleGuest)
	must(t, f.Open("alice").NewField(ctx, "settlement"))
	// Three letters stand somewhere in sealed bytes by chance.
	words := []string{"alice", "bob's", "bob@example", "guido", "example.com", "Example LLP", "settlement", "laptop"}
	w := f.Open("alice")
	if w.Members(ctx)[1].EmailText != "bob@example.com" || w.OrganizationName(ctx) != "Example LLP" {
		t.Fatal("the names are not readable to those who may read them")
	}
	var everything [][]byte
	log, err := f.Store.Read(ctx, 0, 1000)
	must(t, err)
	everything = append(everything, log...)
	spy := &hostile.Store{Store: f.Store, OnList: func(_ store.Index, l [][]byte) [][]byte {
		everything = append(everything, l...)
		return l
	}}
	f.OpenOn("alice", spy).Fields(ctx)
	if len(everything) < 6 {
		t.Fatalf("only %d items looked at", len(everything))
	}
	for _, b := range everything {
		for _, word := range words {
			if bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(word))) {
				t.Errorf("an item of the store holds %q", word)
			}
		}
	}
	guest := f.Open("guido")
	for _, m := range guest.Members(ctx) {
		if m.ID != f.People["guido"].Me.Member() && (m.NameText != "" || m.EmailText != "") {
			t.Error("a guest reads somebody's name")
		}
	}
	for _, r := range guest.Fields(ctx) {
		if r.LabelText != "" {
			t.Error("a guest reads a label that is not granted")
		}
	}
}
