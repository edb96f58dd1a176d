package officer_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/underseal/underseal/internal/vectortest"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/officer"
)

type logVector struct {
	Name, Kind, Rule string

	Organization vectortest.Hex
	Log          []string
	State        *vectorState

	Resource       vectortest.Hex
	Epoch          uint64
	Member         vectortest.Hex
	Key            vectortest.Hex `json:"recipient_key"`
	Device, Sender vectortest.Hex
}

// vectorState is written out by hand in the generator.
type vectorState struct {
	Length                uint64
	Head, Name, Directory vectortest.Hex

	Members []struct {
		ID, Name, Email vectortest.Hex
		Role, Expires   uint64
		UserKeys        []struct{ Commitment, Author vectortest.Hex } `json:"user_keys"`
		Closed          bool
		Devices         []struct {
			ID      vectortest.Hex
			Removed bool
		}
	}
	Resources []struct {
		ID, Label vectortest.Hex
		Kind      uint64
		Ended     bool
		Epochs    []struct {
			Commitment, Author vectortest.Hex
			Closed             bool
		}
		Grants []struct {
			Member  vectortest.Hex
			Rights  uint64
			Senders []struct {
				Device vectortest.Hex
				Epoch  uint64
			}
		}
	}
	Openings []struct {
		Text, Resource vectortest.Hex
		Epoch          uint64
	}
}

func newer(err error) bool { _, ok := errors.AsType[*wire.VersionError](err); return ok }

func malformed(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge)
}

// atEntry is the class of errors about an entry as a whole that wrap target.
func atEntry(target error) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*officer.EntryError](err)
		return ok && e.Operation == -1 && errors.Is(err, target)
	}
}

// atOperation is the class of errors about an operation that wrap target.
func atOperation(target error) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*officer.EntryError](err)
		return ok && e.Operation >= 0 && e.Kind != "" && errors.Is(err, target)
	}
}

// TestLogVectors replays every log of testdata/vectors/log.json, which were
// made without this package.
func TestLogVectors(t *testing.T) {
	t.Parallel()
	classes := vectortest.Classes{
		"L-1":  malformed,
		"L-2":  newer,
		"L-3":  atEntry(wire.ErrMalformed),
		"L-4":  atOperation(officer.ErrUnknownOp),
		"L-5":  atOperation(officer.ErrOperation),
		"L-6":  atEntry(officer.ErrChain),
		"L-7":  atEntry(officer.ErrOrganization),
		"L-8":  atEntry(officer.ErrGenesis),
		"L-9":  atEntry(officer.ErrAuthor),
		"L-10": atEntry(officer.ErrSignature),
		"L-11": atOperation(officer.ErrAuthority),
		"L-12": atOperation(officer.ErrCard),
		"L-13": atOperation(officer.ErrRole),
		"L-14": atOperation(officer.ErrDuplicate),
		"L-15": atOperation(officer.ErrUnknown),
		"L-16": atOperation(officer.ErrEpoch),
		"L-17": atOperation(officer.ErrRights),
		"L-18": func(err error) bool { return atOperation(officer.ErrClosed)(err) || atOperation(officer.ErrEnded)(err) },
		"L-19": atOperation(officer.ErrKey),
		"L-20": atEntry(officer.ErrIncomplete),
		"L-21": vectortest.Is(officer.ErrLast),
		"L-22": vectortest.Is(officer.ErrEmpty),
		"L-23": vectortest.Is(officer.ErrUnknown),
		"L-24": vectortest.Is(officer.ErrEpoch),
		"L-25": vectortest.Is(officer.ErrRights),
		"L-26": vectortest.Is(officer.ErrKey),
		"L-27": vectortest.Is(officer.ErrAuthority),
		"L-28": vectortest.Is(officer.ErrUnknown),
		"L-29": vectortest.Is(officer.ErrEpoch),
		"L-30": vectortest.Is(officer.ErrAuthority),
	}
	file := vectortest.Load[logVector](t, "log")
	var rules []string
	for _, v := range file.Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			log := make([][]byte, len(v.Log))
			for i, name := range v.Log {
				b, ok := file.Entries[name]
				if !ok {
					t.Fatalf("no entry named %q", name)
				}
				log[i] = b
			}
			org := vectortest.Array[officer.OrganizationID](t, v.Organization)
			s, err := officer.Replay(org, log)
			if v.Kind == "user key" {
				if err != nil {
					t.Fatal(err)
				}
				classes.Check(t, v.Rule, s.MayHoldUserKey(vectortest.Array[officer.MemberID](t, v.Member), v.Epoch,
					vectortest.Array[officer.DeviceID](t, v.Device), vectortest.Array[officer.DeviceID](t, v.Sender)))
				return
			}
			if v.Kind == "envelope" {
				if err != nil {
					t.Fatal(err)
				}
				classes.Check(t, v.Rule, s.MayHold(vectortest.Array[officer.ResourceID](t, v.Resource), v.Epoch,
					vectortest.Array[officer.MemberID](t, v.Member), vectortest.Array[officer.Hash](t, v.Key), vectortest.Array[officer.DeviceID](t, v.Sender)))
				return
			}
			classes.Check(t, v.Rule, err)
			if v.Rule != "" && s != nil {
				t.Error("a refused log gave a state")
			}
			if v.Rule != "" && len(log) > 1 && v.Rule != "L-7" {
				// The last entry alone is at fault, also when it comes later.
				before, err := officer.Replay(org, log[:len(log)-1])
				if err != nil {
					t.Fatalf("refused without its last entry: %v", err)
				}
				_, err = before.Apply(log[len(log)-1])
				classes.Check(t, v.Rule, err)
			}
			if v.State != nil {
				v.State.check(t, s)
			}
		})
	}
	classes.Used(t, rules)
}

func (w *vectorState) check(t *testing.T, s *officer.State) {
	t.Helper()
	if h := s.Head(); h.Length != w.Length || h.Hash != vectortest.Array[officer.Hash](t, w.Head) {
		t.Errorf("head %v", h)
	}
	if s.Name() != vectortest.Array[officer.Hash](t, w.Name) || s.Directory().ID != vectortest.Array[officer.ResourceID](t, w.Directory) {
		t.Errorf("name %s, directory %s", s.Name(), s.Directory().ID)
	}
	members, resources := s.Members(), s.Resources()
	if len(members) != len(w.Members) || len(resources) != len(w.Resources) {
		t.Fatalf("%d members, %d resources", len(members), len(resources))
	}
	for i, m := range w.Members {
		got := members[i]
		if got.ID != vectortest.Array[officer.MemberID](t, m.ID) || uint64(got.Role) != m.Role || got.Expires != m.Expires ||
			got.Name != vectortest.Array[officer.Hash](t, m.Name) || got.Email != vectortest.Array[officer.Hash](t, m.Email) ||
			len(got.UserKeys) != len(m.UserKeys) || got.KeyClosed != m.Closed || len(got.Devices) != len(m.Devices) {
			t.Fatalf("member %d: %+v", i, got)
		}
		for j, k := range m.UserKeys {
			var author officer.DeviceID
			copy(author[:], k.Author)
			if g := got.UserKeys[j]; g.Generation != uint64(j)+1 || g.Commitment != vectortest.Array[officer.Hash](t, k.Commitment) || g.Author != author {
				t.Errorf("member %d, user key %d: %+v", i, j+1, g)
			}
		}
		for j, d := range m.Devices {
			if id := got.Devices[j]; id != vectortest.Array[officer.DeviceID](t, d.ID) || s.Device(id).Removed != d.Removed {
				t.Errorf("member %d, device %d: %s", i, j, id)
			}
		}
	}
	for i, r := range w.Resources {
		got := resources[i]
		if got.ID != vectortest.Array[officer.ResourceID](t, r.ID) || got.Label != vectortest.Array[officer.Hash](t, r.Label) || uint64(got.Kind) != r.Kind || got.Ended != r.Ended || len(got.Epochs) != len(r.Epochs) || len(got.Grants) != len(r.Grants) {
			t.Fatalf("resource %d: %+v", i, got)
		}
		for j, e := range r.Epochs {
			if g := got.Epochs[j]; g.Commitment != vectortest.Array[officer.Hash](t, e.Commitment) || g.Author != vectortest.Array[officer.DeviceID](t, e.Author) || g.Closed != e.Closed {
				t.Errorf("resource %d, epoch %d: %+v", i, j+1, g)
			}
		}
		for j, g := range r.Grants {
			id, _ := got.Grants[j].Principal.Member()
			if id != vectortest.Array[officer.MemberID](t, g.Member) || uint64(got.Grants[j].Rights) != g.Rights {
				t.Errorf("resource %d, grant %d: %+v", i, j, got.Grants[j])
			}
			senders := []officer.Sender{}
			for _, s := range g.Senders {
				senders = append(senders, officer.Sender{Device: vectortest.Array[officer.DeviceID](t, s.Device), Epoch: s.Epoch})
			}
			if !slices.Equal(got.Grants[j].Senders, senders) {
				t.Errorf("resource %d, grant %d: senders %v", i, j, got.Grants[j].Senders)
			}
		}
	}
	filed := map[officer.Hash]int{}
	for _, o := range w.Openings {
		text, resource := vectortest.Array[officer.Hash](t, o.Text), vectortest.Array[officer.ResourceID](t, o.Resource)
		filed[text]++
		if !slices.ContainsFunc(s.Openings(text), func(g officer.SealedOpening) bool { return g.Resource == resource && g.Epoch == o.Epoch }) {
			t.Errorf("no opening of %s under %s", text, resource)
		}
	}
	for text, n := range filed {
		if len(s.Openings(text)) != n {
			t.Errorf("openings of %s: %v", text, s.Openings(text))
		}
	}
}

type cardVector struct {
	Name, Kind, Rule string

	Card, Member, Commitment, Device, Salt, Encoded, Organization vectortest.Hex

	UserKey      vectortest.Hex `json:"user_key"`
	File         string
	TextKind     uint8 `json:"text_kind"`
	Text         string
	SafetyNumber string `json:"safety_number"`
	Fingerprint  string
}

// TestCardVectors reads every card, card file, opening, safety number and
// fingerprint of testdata/vectors/card.json.
func TestCardVectors(t *testing.T) {
	t.Parallel()
	card := vectortest.Is(officer.ErrCard)
	and := func(a, b func(error) bool) func(error) bool {
		return func(err error) bool { return a(err) && b(err) }
	}
	classes := vectortest.Classes{
		"C-1": and(card, malformed), "C-2": and(card, newer), "C-3": card, "C-4": card, "C-5": card, "C-6": card, "C-7": card,
		"C-8": vectortest.Is(officer.ErrOpening), "C-9": vectortest.Is(officer.ErrText), "C-10": vectortest.Is(officer.ErrOpening),
		"C-11": func(err error) bool { return err != nil },
	}
	var rules []string
	for _, v := range vectortest.Load[cardVector](t, "card").Vectors {
		rules = append(rules, v.Rule)
		t.Run(v.Kind+" "+v.Rule+": "+v.Name, func(t *testing.T) {
			t.Parallel()
			check := map[string]func(*testing.T) error{
				"card": v.card, "card file": v.file, "opening": v.opening, "safety number": v.safetyNumber, "fingerprint": v.fingerprint,
			}[v.Kind]
			if check == nil {
				t.Fatalf("kind %q", v.Kind)
			}
			classes.Check(t, v.Rule, check(t))
		})
	}
	classes.Used(t, rules)
}

func (v cardVector) card(t *testing.T) error {
	c, err := officer.ParseCard(v.Card)
	if err != nil {
		return err
	}
	if c.ID() != vectortest.Array[officer.MemberID](t, v.Member) || c.UserKeyCommitment() != vectortest.Array[officer.Hash](t, v.Commitment) ||
		c.Device().ID() != vectortest.Array[officer.DeviceID](t, v.Device) || string(c.UserKey()) != string(v.UserKey) || officer.SafetyNumber(c.ID()) != v.SafetyNumber {
		t.Errorf("card of %s", c.ID())
	}
	return nil
}

func (v cardVector) file(t *testing.T) error {
	f, err := officer.DecodeCardFile([]byte(v.File))
	if err != nil {
		return err
	}
	if string(f.Card.Bytes()) != string(v.Card) || f.Card.ID() != vectortest.Array[officer.MemberID](t, v.Member) {
		t.Errorf("card of %s", f.Card.ID())
	}
	return nil
}

func (v cardVector) opening(t *testing.T) error {
	o, err := officer.DecodeOpening(v.Encoded, vectortest.Array[officer.Hash](t, v.Commitment))
	if err != nil {
		return err
	}
	if string(o.Encode()) != string(v.Encoded) || uint8(o.Kind) != v.TextKind || o.Text != v.Text || string(o.Salt[:]) != string(v.Salt) {
		t.Errorf("opening %+v", o)
	}
	return nil
}

func (v cardVector) safetyNumber(t *testing.T) error {
	if n := officer.SafetyNumber(vectortest.Array[officer.MemberID](t, v.Member)); n != v.SafetyNumber {
		t.Errorf("%s, want %s", n, v.SafetyNumber)
	}
	return nil
}

func (v cardVector) fingerprint(t *testing.T) error {
	id, err := officer.ParseFingerprint(v.Fingerprint)
	if err == nil && id != vectortest.Array[officer.OrganizationID](t, v.Organization) {
		t.Errorf("%s", id)
	}
	return err
}

// TestDeviceVectors holds device ids and acceptances against
// testdata/vectors/device.json; that records are refused is seen in cards and
// logs, which carry the same faults.
func TestDeviceVectors(t *testing.T) {
	t.Parallel()
	type vector struct {
		Name, Kind, Rule string

		ID, Organization, Member, Record, Payload vectortest.Hex
	}
	var kinds []string
	for _, v := range vectortest.Load[vector](t, "device").Vectors {
		kinds = append(kinds, v.Kind)
		switch v.Kind {
		case "keys":
			if id := wire.Sum(wire.LabelDeviceID, v.Record); id != vectortest.Array[wire.Hash](t, v.ID) {
				t.Errorf("%s: id %s", v.Name, id)
			}
		case "acceptance":
			p := officer.AcceptancePayload(vectortest.Array[officer.OrganizationID](t, v.Organization), vectortest.Array[officer.MemberID](t, v.Member), v.Record)
			if string(p) != string(v.Payload) {
				t.Errorf("%s: payload %x", v.Name, p)
			}
		}
	}
	for _, k := range []string{"keys", "record", "acceptance"} {
		if !slices.Contains(kinds, k) {
			t.Errorf("no vector of kind %q", k)
		}
	}
}
